// An ordinary application on franz-go. The interface is described in ../workload.ts.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

var (
	given   = map[string]string{}
	writing sync.Mutex
)

func event(name string, rest map[string]any) {
	if rest == nil {
		rest = map[string]any{}
	}
	rest["event"], rest["t"] = name, time.Now().UnixMilli()
	line, _ := json.Marshal(rest)
	writing.Lock()
	defer writing.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func failed(where string, err error) {
	kind := fmt.Sprintf("%T", err)
	if protocol := (*kerr.Error)(nil); errors.As(err, &protocol) {
		kind = protocol.Message
	}
	event("error", map[string]any{"where": where, "kind": kind, "message": err.Error()})
}

func record(name string, r *kgo.Record) {
	event(name, map[string]any{
		"partition": r.Partition, "offset": r.Offset, "key": string(r.Key), "value": string(r.Value),
	})
}

func must(err error) {
	if err != nil {
		failed("client", err)
		os.Exit(1)
	}
}

func common() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(given["bootstrap"], ",")...),
		kgo.ClientID(given["id"]),
		kgo.WithLogger(kgo.BasicLogger(os.Stderr, kgo.LogLevelWarn, nil)),
	}
	switch given["sasl"] {
	case "PLAIN":
		opts = append(opts, kgo.SASL(plain.Auth{User: given["username"], Pass: given["password"]}.AsMechanism()))
	case "SCRAM-SHA-256":
		opts = append(opts, kgo.SASL(scram.Auth{User: given["username"], Pass: given["password"]}.AsSha256Mechanism()))
	case "SCRAM-SHA-512":
		opts = append(opts, kgo.SASL(scram.Auth{User: given["username"], Pass: given["password"]}.AsSha512Mechanism()))
	}
	if file, ok := given["ca"]; ok {
		pem, err := os.ReadFile(file)
		must(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{RootCAs: pool}))
	}
	return opts
}

func produce(ctx context.Context) {
	opts := common()
	switch given["acks"] {
	case "all":
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()))
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()))
	}
	if given["idempotence"] != "true" {
		opts = append(opts, kgo.DisableIdempotentWrite())
	}
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	opts = append(opts, kgo.ProducerBatchCompression(codecs[given["compression"]]))
	client, err := kgo.NewClient(opts...)
	must(err)
	count, _ := strconv.Atoi(given["records"])
	rate, _ := strconv.ParseFloat(given["rate"], 64)
	start := time.Now()
	for i := 0; i < count && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		client.Produce(context.Background(), &kgo.Record{
			Topic: given["topic"],
			Key:   fmt.Appendf(nil, "k%d", i%17),
			Value: fmt.Appendf(nil, "%s-%d", given["id"], i),
		}, func(r *kgo.Record, err error) {
			if err != nil {
				failed("produce", err)
			} else {
				if given["acks"] == "0" {
					r.Offset = -1
				}
				record("acked", r)
			}
		})
	}
	flushing, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := client.Flush(flushing); err != nil {
		failed("produce", err)
	}
	client.Close()
}

func partitions(name string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(ctx context.Context, client *kgo.Client, topics map[string][]int32) {
		list := []int32{}
		for _, ofTopic := range topics {
			list = append(list, ofTopic...)
		}
		event(name, map[string]any{"partitions": list})
		if name == "revoked" {
			if err := client.CommitUncommittedOffsets(ctx); err != nil {
				failed("commit", err)
			}
		}
	}
}

func consume(ctx context.Context) {
	opts := common()
	switch given["assignment"] {
	case "eager":
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	case "cooperative":
		opts = append(opts, kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	reset := kgo.NewOffset().AtStart()
	if given["reset"] == "latest" {
		reset = kgo.NewOffset().AtEnd()
	}
	client, err := kgo.NewClient(append(opts,
		kgo.ConsumerGroup(given["group"]),
		kgo.ConsumeTopics(strings.Split(given["topic"], ",")...),
		kgo.ConsumeResetOffset(reset),
		kgo.AutoCommitInterval(time.Second),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(partitions("assigned")),
		kgo.OnPartitionsRevoked(partitions("revoked")),
		kgo.OnPartitionsLost(partitions("lost")),
	)...)
	must(err)
	left := 0
	if given["role"] == "consume" {
		left, _ = strconv.Atoi(given["records"])
	}
	bounded := left > 0
	for ctx.Err() == nil && (!bounded || left > 0) {
		fetches := client.PollFetches(ctx)
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.Canceled) {
				failed("consume", err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			record("consumed", r)
			left--
		})
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
}

func main() {
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	var running sync.WaitGroup
	if given["role"] != "produce" {
		running.Go(func() { consume(ctx) })
	}
	if given["role"] != "consume" {
		produce(ctx)
	}
	running.Wait()
	event("done", nil)
}
