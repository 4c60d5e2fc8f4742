"""An ordinary application on aiokafka. The interface is described in ../workload.ts."""

import asyncio
import json
import logging
import signal
import sys
import time

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

given = dict(arg.split("=", 1) for arg in sys.argv[1:])
logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")


def event(name, **rest):
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
        config["ssl_context"] = create_ssl_context(cafile=given["ca"])
    return config


async def produce(stopping):
    producer = AIOKafkaProducer(
        **common(),
        acks=given["acks"] if given["acks"] == "all" else int(given["acks"]),
        enable_idempotence=given["idempotence"] == "true",
        compression_type=None if given["compression"] == "none" else given["compression"],
    )
    await producer.start()

    async def outcome(future, key, value):
        try:
            metadata = await future
        except KafkaError as error:
            failed("produce", error)
            return
        # With acks=0 there is no metadata.
        event(
            "acked",
            partition=-1 if metadata is None else metadata.partition,
            offset=-1 if metadata is None else metadata.offset,
            key=key,
            value=value,
        )

    outcomes = []
    start = time.monotonic()
    for i in range(int(given["records"])):
        if stopping.is_set():
            break
        await asyncio.sleep(max(0, start + i / float(given["rate"]) - time.monotonic()))
        key, value = f"k{i % 17}", f"{given['id']}-{i}"
        try:
            future = await producer.send(given["topic"], key=key.encode(), value=value.encode())
            outcomes.append(asyncio.create_task(outcome(future, key, value)))
        except KafkaError as error:
            failed("produce", error)
    try:
        await producer.stop()
    except KafkaError as error:
        failed("produce", error)
    await asyncio.gather(*outcomes)


class Listener(ConsumerRebalanceListener):
    async def on_partitions_assigned(self, assigned):
        event("assigned", partitions=[p.partition for p in assigned])

    async def on_partitions_revoked(self, revoked):
        event("revoked", partitions=[p.partition for p in revoked])


async def consume(stopping):
    consumer = AIOKafkaConsumer(
        **common(),
        group_id=given["group"],
        auto_offset_reset=given["reset"],
        auto_commit_interval_ms=1000,
    )
    consumer.subscribe(given["topic"].split(","), listener=Listener())
    await consumer.start()
    left = int(given["records"]) if given["role"] == "consume" else 0
    bounded = left > 0
    while not stopping.is_set() and (not bounded or left > 0):
        try:
            polled = await consumer.getmany(timeout_ms=100)
        except KafkaError as error:
            failed("consume", error)
            await asyncio.sleep(0.2)
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
        await consumer.stop()
    except KafkaError as error:
        failed("close", error)


async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    roles = []
    if given["role"] != "produce":
        roles.append(consume(stopping))
    if given["role"] != "consume":
        roles.append(produce(stopping))
    await asyncio.gather(*roles)
    event("done")


asyncio.run(main())
