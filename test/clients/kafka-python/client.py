"""An ordinary application on kafka-python. The interface is described in ../workload.ts."""

import json
import logging
import signal
import sys
import threading
import time

from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError

given = dict(arg.split("=", 1) for arg in sys.argv[1:])
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
writing = threading.Lock()


def event(name, **rest):
    with writing:
        sys.stdout.write(json.dumps({"event": name, "t": int(time.time() * 1000), **rest}) + "\n")
        sys.stdout.flush()


def failed(where, error):
    event("error", where=where, kind=type(error).__name__, message=str(error))


def common():
    config = {"bootstrap_servers": given["bootstrap"].split(","), "client_id": given["id"]}
    if "sasl" in given:
        config.update(
            security_protocol="SASL_SSL" if "ca" in given else "SASL_PLAINTEXT",
            sasl_mechanism=given["sasl"],
            sasl_plain_username=given["username"],
            sasl_plain_password=given["password"],
        )
    elif "ca" in given:
        config["security_protocol"] = "SSL"
    if "ca" in given:
        config["ssl_cafile"] = given["ca"]
    return config


def produce():
    producer = KafkaProducer(
        **common(),
        acks=given["acks"] if given["acks"] == "all" else int(given["acks"]),
        enable_idempotence=given["idempotence"] == "true",
        compression_type=None if given["compression"] == "none" else given["compression"],
    )

    def send(key, value):
        def acked(metadata):
            event(
                "acked",
                partition=metadata.partition,
                offset=-1 if given["acks"] == "0" else metadata.offset,
                key=key,
                value=value,
            )

        future = producer.send(given["topic"], key=key.encode(), value=value.encode())
        future.add_callback(acked)
        future.add_errback(lambda error: failed("produce", error))

    start = time.monotonic()
    for i in range(int(given["records"])):
        if stopping.is_set():
            break
        time.sleep(max(0, start + i / float(given["rate"]) - time.monotonic()))
        try:
            send(f"k{i % 17}", f"{given['id']}-{i}")
        except KafkaError as error:
            failed("produce", error)
    try:
        producer.flush(timeout=60)
    except KafkaError as error:
        failed("produce", error)
    producer.close()


class Listener(ConsumerRebalanceListener):
    def on_partitions_assigned(self, assigned):
        event("assigned", partitions=[p.partition for p in assigned])

    def on_partitions_revoked(self, revoked):
        event("revoked", partitions=[p.partition for p in revoked])

    def on_partitions_lost(self, lost):
        event("lost", partitions=[p.partition for p in lost])


assignors = {"eager": [RangePartitionAssignor], "cooperative": [CooperativeStickyAssignor]}


def consume():
    consumer = KafkaConsumer(
        **common(),
        group_id=given["group"],
        auto_offset_reset=given["reset"],
        auto_commit_interval_ms=1000,
        **({} if "assignment" not in given else {"partition_assignment_strategy": assignors[given["assignment"]]}),
    )
    consumer.subscribe(given["topic"].split(","), listener=Listener())
    left = int(given["records"]) if given["role"] == "consume" else 0
    bounded = left > 0
    while not stopping.is_set() and (not bounded or left > 0):
        try:
            polled = consumer.poll(timeout_ms=100)
        except KafkaError as error:
            failed("consume", error)
            time.sleep(0.2)
            continue
        for messages in polled.values():
            for message in messages:
                event(
                    "consumed",
                    partition=message.partition,
                    offset=message.offset,
                    key=message.key.decode(),
                    value=message.value.decode(),
                )
                left -= 1
    try:
        consumer.close()
    except KafkaError as error:
        failed("close", error)


thread = threading.Thread(target=consume) if given["role"] != "produce" else None
if thread is not None:
    thread.start()
if given["role"] != "consume":
    produce()
if thread is not None:
    thread.join()
event("done")
