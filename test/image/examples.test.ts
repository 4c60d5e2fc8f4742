import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { isNode, parseAllDocuments } from 'yaml'
import { parse } from '../../src/cli/parse.ts'
import { loadConfig } from '../../src/config/index.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const dockerfile = read('Dockerfile')
const userOfImage = Number(/^USER (\d+):\d+$/m.exec(dockerfile)?.[1])
const volumeOfImage = /^VOLUME (\S+)$/m.exec(dockerfile)?.[1]

async function load(text: string) {
  const env = { KAFKA_CUTOVER_TOKEN: 'x' }
  const loaded = await loadConfig({ file: 'sidecar.yaml', flags: {}, env, readFile: () => text })
  if (!loaded.ok) throw new Error(loaded.errors.map((error) => error.text).join('\n'))
  return loaded.config
}

const invocation = (args: readonly string[]) =>
  parse(args, { version: '0', admin: undefined, columns: 80 })

describe('config/kubernetes/deployment.yaml', () => {
  const documents = [...parseAllDocuments(read('config/kubernetes/deployment.yaml'))]
  const get = (kind: string, ...path: (string | number)[]): unknown => {
    const document = documents.find((candidate) => candidate.get('kind') === kind)
    if (document === undefined) throw new Error(`there is no ${kind}`)
    expect(document.errors).toEqual([])
    const found: unknown = document.getIn(path)
    return isNode(found) ? found.toJS(document) : found
  }
  const ofPod = (...path: (string | number)[]) =>
    get('Deployment', 'spec', 'template', 'spec', ...path)
  const ofSidecar = (...path: (string | number)[]) => ofPod('initContainers', 0, ...path)
  const config = () => load(String(get('ConfigMap', 'data', 'sidecar.yaml')))

  test('holds a valid configuration, whose admin port the kubelet reaches', async () => {
    const { admin, listen, cutover } = await config()
    expect(admin).toMatchObject({ host: '0.0.0.0', token: 'x' })
    expect(listen.host).toBe('127.0.0.1')
    expect(cutover.journal.kind).toBe('topic')
    expect(ofSidecar('ports')).toEqual([{ name: 'admin', containerPort: admin.port }])
    for (const [probe, path] of [
      ['startupProbe', '/healthz'],
      ['livenessProbe', '/healthz'],
      ['readinessProbe', '/readyz'],
    ] as const) {
      expect(ofSidecar(probe, 'httpGet')).toEqual({ path, port: 'admin' })
    }
    const variables = JSON.stringify(ofSidecar('env'))
    expect(variables).toContain('"KAFKA_CUTOVER_TOKEN"')
    expect(variables).toContain('"POD_NAME"')
  })

  test('starts the sidecar as the command line takes it', async () => {
    const args = ofSidecar('args')
    expect(args).toEqual(expect.arrayContaining(['run', '$(POD_NAME)']))
    expect(await invocation(Array.isArray(args) ? args.map(String) : [])).toMatchObject({
      kind: 'run',
      file: '/etc/kafka-cutover/sidecar.yaml',
    })
  })

  test('takes away all that the image does not need', () => {
    expect(ofSidecar('securityContext')).toMatchObject({
      runAsNonRoot: true,
      runAsUser: userOfImage,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    })
    expect(JSON.stringify(ofSidecar('volumeMounts'))).toContain(`"mountPath":"${volumeOfImage}"`)
  })

  test('waits longer than the sidecar needs to stop', async () => {
    const { limits } = await config()
    expect(ofPod('terminationGracePeriodSeconds')).toBeGreaterThan(limits.shutdownTimeoutMs / 1_000)
    expect(ofSidecar('restartPolicy')).toBe('Always')
  })
})

describe('config/systemd/kafka-cutover.service', () => {
  const unit = read('config/systemd/kafka-cutover.service')
  const key = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

  test('starts the sidecar as the command line takes it, and asks the default admin port', async () => {
    const [program, ...args] = key('ExecStart').split(' ')
    expect(program).toBe('/usr/local/bin/kafka-cutover')
    expect(await invocation(args)).toMatchObject({
      kind: 'run',
      file: '/etc/kafka-cutover/sidecar.yaml',
    })
    const { admin } = await load('source: { bootstrapServers: "a:1" }')
    expect(key('ExecStartPost')).toContain(` http://${admin.host}:${admin.port}/healthz`)
  })

  test('waits longer than the sidecar needs to stop, and does not repeat a wrong configuration', async () => {
    const { limits } = await load('source: { bootstrapServers: "a:1" }')
    expect(Number(key('TimeoutStopSec')) * 1_000).toBeGreaterThan(limits.shutdownTimeoutMs)
    expect(key('RestartPreventExitStatus')).toBe('2')
    expect(key('ExecReload')).toContain('-HUP')
  })

  test('gives the state a place that is the default', () => {
    expect(`${/XDG_DATA_HOME=(\S+)/.exec(unit)?.[1]}/${key('StateDirectory')}`).toBe(volumeOfImage)
    // Node compiles into memory that it then runs.
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })
})
