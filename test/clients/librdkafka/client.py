"""An ordinary application on librdkafka. The interface is described in ../workload.ts."""

import json
import logging
import signal
import sys
import threading
import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

given = dict(arg.split("=", 1) for arg in sys.argv[1:])
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
writing = threading.Lock()


def event(name, **rest):
    with writing:
        sys.stdout.write(json.dumps({"event": name, "t": int(time.time() * 1000), **rest}) + "\n")
        sys.stdout.flush()


def failed(where, error):
    event("error", where=where, kind=error.name(), message=error.str())


def common():
    config = {
        "bootstrap.servers": given["bootstrap"],
        "client.id": given["id"],
        "error_cb": lambda error: failed("client", error),
        "logger": logging.getLogger("librdkafka"),
    }
    if "sasl" in given:
        config.update({
            "security.protocol": "SASL_SSL" if "ca" in given else "SASL_PLAINTEXT",
            "sasl.mechanism": given["sasl"],
            "sasl.username": given["username"],
            "sasl.password": given["password"],
        })
    elif "ca" in given:
        config["security.protocol"] = "SSL"
    if "ca" in given:
        config["ssl.ca.location"] = given["ca"]
    return config


def produce():
    producer = Producer({
        **common(),
        "acks": given["acks"],
        "enable.idempotence": given["idempotence"] == "true",
        "compression.type": given["compression"],
    })

    def delivered(error, message):
        if error is not None:
            failed("produce", error)
        else:
            event(
                "acked",
                partition=message.partition(),
                # None where it is not told, as with acks=0.
                offset=-1 if message.offset() is None else message.offset(),
                key=message.key().decode(),
                value=message.value().decode(),
            )

    start = time.monotonic()
    for i in range(int(given["records"])):
        if stopping.is_set():
            break
        while True:
            producer.poll(max(0, start + i / float(given["rate"]) - time.monotonic()))
            if time.monotonic() >= start + i / float(given["rate"]):
                break
        try:
            producer.produce(
                given["topic"], key=f"k{i % 17}", value=f"{given['id']}-{i}", on_delivery=delivered
            )
        except BufferError:
            producer.poll(1)
        except KafkaException as error:
            failed("produce", error.args[0])
    producer.flush(60)


strategies = {"eager": "range", "cooperative": "cooperative-sticky"}


def consume():
    consumer = Consumer({
        **common(),
        "group.id": given["group"],
        "auto.offset.reset": given["reset"],
        "auto.commit.interval.ms": 1000,
        "session.timeout.ms": 45000,
        **({} if "instance" not in given else {"group.instance.id": given["instance"]}),
        **({} if "assignment" not in given else {"partition.assignment.strategy": strategies[given["assignment"]]}),
    })

    def revoked(name):
        def callback(consumer, partitions):
            event(name, partitions=[p.partition for p in partitions])
            if name == "revoked":
                try:
                    consumer.commit(asynchronous=False)
                except KafkaException as error:
                    if error.args[0].code() != KafkaError._NO_OFFSET:
                        failed("commit", error.args[0])

        return callback

    consumer.subscribe(
        given["topic"].split(","),
        on_assign=lambda _, partitions: event("assigned", partitions=[p.partition for p in partitions]),
        on_revoke=revoked("revoked"),
        on_lost=revoked("lost"),
    )
    left = int(given["records"]) if given["role"] == "consume" else 0
    bounded = left > 0
    while not stopping.is_set() and (not bounded or left > 0):
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error() is not None:
            failed("consume", message.error())
            continue
        event(
            "consumed",
            partition=message.partition(),
            offset=message.offset(),
            key=message.key().decode(),
            value=message.value().decode(),
        )
        left -= 1
    consumer.close()


thread = threading.Thread(target=consume) if given["role"] != "produce" else None
if thread is not None:
    thread.start()
if given["role"] != "consume":
    produce()
if thread is not None:
    thread.join()
event("done")
