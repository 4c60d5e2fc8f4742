import net from 'node:net'
import { parseArgs } from 'node:util'
import { BufferPool, readBufferSizes } from '../src/proxy/buffers.ts'
import {
  acceptedTransport,
  connectTransport,
  type Transport,
  type TransportOwner,
} from '../src/proxy/transport.ts'

/**
 * A proxy that knows nothing of Kafka, on the sidecar's own transport and buffers: what Node takes to read
 * bytes and to write them. What the sidecar costs beyond it is the price of knowing what passes.
 */
const { values } = parseArgs({ options: { listen: { type: 'string' }, to: { type: 'string' } } })
const pool = new BufferPool(Infinity)
const shortReadsBeforeShrink = 8
const port = (of: string | undefined): number => Number(of?.split(':').at(-1))

/** One direction: what is read here is written to `to`, and until it is taken nothing more is read. */
class Side implements TransportOwner {
  to: Side | undefined
  #transport: Transport | undefined
  #buffer = pool.acquire(readBufferSizes.idle) ?? Buffer.alloc(0)
  #shortReads = 0

  attach(open: (owner: TransportOwner) => Transport): this {
    this.#transport = open(this)
    return this
  }

  write(bytes: Uint8Array, flushed: () => void): void {
    this.#transport?.write(bytes, flushed)
  }

  end(): void {
    this.#transport?.socket.destroySoon()
  }

  readTarget(): Uint8Array {
    return this.#buffer
  }

  onRead(length: number): boolean {
    const buffer = this.#buffer
    this.#fit(length)
    let isTaken: boolean | undefined
    this.to?.write(buffer.subarray(0, length), () => {
      if (buffer !== this.#buffer) pool.release(buffer)
      if (isTaken === false) this.#transport?.socket.resume()
      isTaken = true
    })
    return (isTaken ??= false)
  }

  /** For the next read: busy directions read much at once, for idle ones little is enough. */
  #fit(length: number): void {
    const size = this.#buffer.length
    this.#shortReads = length < readBufferSizes.idle ? this.#shortReads + 1 : 0
    if (length === size && size < readBufferSizes.busy) {
      this.#acquire(size < readBufferSizes.warm ? readBufferSizes.warm : readBufferSizes.busy)
    } else if (this.#shortReads >= shortReadsBeforeShrink && size > readBufferSizes.idle) {
      this.#acquire(readBufferSizes.idle)
    }
  }

  #acquire(bytes: number): void {
    this.#buffer = pool.acquire(bytes) ?? this.#buffer
  }

  onChunk(): boolean {
    throw new Error('this Node does not read into buffers of ours')
  }

  onConnect(): void {}

  onEnd(): void {
    this.end()
  }

  onClose(): void {
    this.to?.end()
  }
}

net
  .createServer({ pauseOnConnect: true }, (accepted) => {
    const [client, broker] = [new Side(), new Side()]
    client.to = broker
    broker.to = client
    const address = { host: '127.0.0.1', port: port(values.to) }
    broker.attach((owner) => connectTransport(address, undefined, owner))
    client.attach((owner) => acceptedTransport(accepted, owner))
  })
  .listen(port(values.listen), '127.0.0.1')
