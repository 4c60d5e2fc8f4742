// An ordinary application on sarama. The interface is described in ../workload.ts.
package main

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
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
	code, network := sarama.KError(0), (*net.OpError)(nil)
	switch {
	case errors.As(err, &code):
		kind = fmt.Sprintf("KError %d", int16(code))
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, sarama.ErrNotConnected), errors.Is(err, sarama.ErrOutOfBrokers):
		// Whatever wraps it, it is the end of a connection.
		kind = "ConnectionError"
	default:
		// What is wrapped says more than what wraps it.
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(inner) {
			kind = fmt.Sprintf("%T %s", inner, inner)
		}
	}
	event("error", map[string]any{"where": where, "kind": kind, "message": err.Error()})
}

func must(err error) {
	if err != nil {
		failed("client", err)
		os.Exit(1)
	}
}

// The login that sarama leaves to the application.
type scramClient struct {
	hash         scram.HashGeneratorFcn
	conversation *scram.ClientConversation
}

func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := c.hash.NewClient(user, password, authzID)
	if err == nil {
		c.conversation = client.NewConversation()
	}
	return err
}
func (c *scramClient) Step(challenge string) (string, error) { return c.conversation.Step(challenge) }
func (c *scramClient) Done() bool                            { return c.conversation.Done() }

func common() *sarama.Config {
	config := sarama.NewConfig()
	config.ClientID = given["id"]
	if wire, ok := given["wire"]; ok {
		version, err := sarama.ParseKafkaVersion(wire)
		must(err)
		config.Version = version
	}
	if mechanism, ok := given["sasl"]; ok {
		config.Net.SASL.Enable = true
		config.Net.SASL.User, config.Net.SASL.Password = given["username"], given["password"]
		config.Net.SASL.Mechanism = sarama.SASLMechanism(mechanism)
		switch mechanism {
		case "SCRAM-SHA-256":
			config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha256.New} }
		case "SCRAM-SHA-512":
			config.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha512.New} }
		}
	}
	if file, ok := given["ca"]; ok {
		pem, err := os.ReadFile(file)
		must(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		config.Net.TLS.Enable = true
		config.Net.TLS.Config = &tls.Config{RootCAs: pool}
	}
	return config
}

func text(encoder sarama.Encoder) string {
	bytes, _ := encoder.Encode()
	return string(bytes)
}

func produce(ctx context.Context) {
	config := common()
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = map[string]sarama.RequiredAcks{
		"all": sarama.WaitForAll, "1": sarama.WaitForLocal, "0": sarama.NoResponse,
	}[given["acks"]]
	must(config.Producer.Compression.UnmarshalText([]byte(given["compression"])))
	if given["idempotence"] == "true" {
		config.Producer.Idempotent = true
		config.Net.MaxOpenRequests = 1
	}
	// The default, three tries 100 ms apart, is less than one restart of a broker takes.
	config.Producer.Retry.Max = 100
	producer, err := sarama.NewAsyncProducer(strings.Split(given["bootstrap"], ","), config)
	must(err)
	var reporting sync.WaitGroup
	reporting.Go(func() {
		for m := range producer.Successes() {
			offset := m.Offset
			if given["acks"] == "0" {
				offset = -1
			}
			event("acked", map[string]any{
				"partition": m.Partition, "offset": offset, "key": text(m.Key), "value": text(m.Value),
			})
		}
	})
	reporting.Go(func() {
		for err := range producer.Errors() {
			failed("produce", err.Err)
		}
	})
	count, _ := strconv.Atoi(given["records"])
	rate, _ := strconv.ParseFloat(given["rate"], 64)
	start := time.Now()
	for i := 0; i < count && ctx.Err() == nil; i++ {
		time.Sleep(time.Until(start.Add(time.Duration(float64(i) / rate * float64(time.Second)))))
		producer.Input() <- &sarama.ProducerMessage{
			Topic: given["topic"],
			Key:   sarama.StringEncoder(fmt.Sprintf("k%d", i%17)),
			Value: sarama.StringEncoder(fmt.Sprintf("%s-%d", given["id"], i)),
		}
	}
	producer.AsyncClose()
	reporting.Wait()
}

type handler struct {
	left    atomic.Int64
	bounded bool
	stop    context.CancelFunc
}

func (h *handler) Setup(session sarama.ConsumerGroupSession) error {
	if !cooperative() {
		event("assigned", map[string]any{"partitions": owned(session)})
	}
	return nil
}

func (h *handler) Cleanup(session sarama.ConsumerGroupSession) error {
	if !cooperative() {
		event("revoked", map[string]any{"partitions": owned(session)})
	}
	return nil
}

// A cooperative session outlives rebalances: what comes and goes are its claims.
func cooperative() bool { return given["assignment"] == "cooperative" }

func owned(session sarama.ConsumerGroupSession) []int32 {
	list := []int32{}
	for _, ofTopic := range session.Claims() {
		list = append(list, ofTopic...)
	}
	return list
}

func (h *handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	if cooperative() {
		partition := map[string]any{"partitions": []int32{claim.Partition()}}
		event("assigned", maps.Clone(partition))
		defer func() { event("revoked", partition) }()
	}
	for {
		select {
		case m, open := <-claim.Messages():
			if !open {
				return nil
			}
			event("consumed", map[string]any{
				"partition": m.Partition, "offset": m.Offset, "key": string(m.Key), "value": string(m.Value),
			})
			session.MarkMessage(m, "")
			if h.left.Add(-1) <= 0 && h.bounded {
				h.stop()
				return nil
			}
		case <-session.Context().Done():
			return nil
		}
	}
}

func consume(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	config := common()
	config.Consumer.Return.Errors = true
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	if given["reset"] == "latest" {
		config.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	config.Consumer.Offsets.AutoCommit.Interval = time.Second
	if given["assignment"] == "cooperative" {
		config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{
			sarama.NewBalanceStrategyCooperativeSticky(),
		}
	}
	group, err := sarama.NewConsumerGroup(strings.Split(given["bootstrap"], ","), given["group"], config)
	must(err)
	var reporting sync.WaitGroup
	reporting.Go(func() {
		for err := range group.Errors() {
			failed("consume", err)
		}
	})
	h := &handler{stop: stop}
	if given["role"] == "consume" {
		records, _ := strconv.Atoi(given["records"])
		h.left.Store(int64(records))
		h.bounded = records > 0
	}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, strings.Split(given["topic"], ","), h); err != nil {
			failed("consume", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
	if err := group.Close(); err != nil {
		failed("close", err)
	}
	reporting.Wait()
}

// Sarama logs every connection through one logger without levels; what it calls errors is kept.
type notable struct{}

func (notable) Write(line []byte) (int, error) {
	lower := strings.ToLower(string(line))
	trouble := strings.Contains(lower, "error") || strings.Contains(lower, "fail")
	if trouble && !strings.Contains(lower, "not an error") {
		os.Stderr.Write(line)
	}
	return len(line), nil
}

func main() {
	for _, arg := range os.Args[1:] {
		name, value, _ := strings.Cut(arg, "=")
		given[name] = value
	}
	sarama.Logger = log.New(notable{}, "", 0)
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
