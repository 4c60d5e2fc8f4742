import { atLeast } from '../kafka/index.ts'

/** What the steps of one half work on. */
export interface Half {
  readonly bootstrap: string
  /** Three partitions of three replicas, with ten records each. */
  readonly topic: string
  /** A name that no topic has yet. */
  readonly newTopic: string
  /** Has committed 5 on each partition, and has no members. */
  readonly group: string
  /** Writes a file. @returns its path */
  file(name: string, content: unknown): string
}

export interface Step {
  readonly tool: ToolName
  readonly args: (half: Half) => readonly string[]
  readonly input?: string
  /** The oldest brokers that have what it asks for. */
  readonly since?: string
  /** Keep only the lines that name this half's topic or group: the others are of other cells. */
  readonly ownLines?: true
  /** The output is a measurement: numbers are not compared. */
  readonly measured?: true
  /** What it prints differs by design; only whether it succeeds is compared. */
  readonly codeOnly?: true
  /** It is asked again until its output says so. */
  readonly until?: RegExp
}

/** The class behind each script, by the version of the tools (2.8 or later). */
const classes = {
  'kafka-topics': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.TopicCommand` : 'kafka.admin.TopicCommand',
  'kafka-configs': () => 'kafka.admin.ConfigCommand',
  'kafka-consumer-groups': (v: string) =>
    atLeast(v, '3.9')
      ? `${tools}.consumer.group.ConsumerGroupCommand`
      : 'kafka.admin.ConsumerGroupCommand',
  'kafka-acls': (v: string) =>
    atLeast(v, '4.0') ? `${tools}.AclCommand` : 'kafka.admin.AclCommand',
  'kafka-producer-perf-test': () => `${tools}.ProducerPerformance`,
  'kafka-consumer-perf-test': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.ConsumerPerformance` : 'kafka.tools.ConsumerPerformance',
  'kafka-console-producer': (v: string) =>
    atLeast(v, '4.0') ? `${tools}.ConsoleProducer` : 'kafka.tools.ConsoleProducer',
  'kafka-console-consumer': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.consumer.ConsoleConsumer` : 'kafka.tools.ConsoleConsumer',
  'kafka-log-dirs': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.LogDirsCommand` : 'kafka.admin.LogDirsCommand',
  'kafka-get-offsets': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.GetOffsetShell` : 'kafka.tools.GetOffsetShell',
  'kafka-delete-records': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.DeleteRecordsCommand` : 'kafka.admin.DeleteRecordsCommand',
  'kafka-leader-election': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.LeaderElectionCommand` : 'kafka.admin.LeaderElectionCommand',
  'kafka-reassign-partitions': (v: string) =>
    atLeast(v, '3.9')
      ? `${tools}.reassign.ReassignPartitionsCommand`
      : 'kafka.admin.ReassignPartitionsCommand',
  'kafka-cluster': (v: string) =>
    atLeast(v, '3.9') ? `${tools}.ClusterTool` : 'kafka.tools.ClusterTool',
  'kafka-transactions': () => `${tools}.TransactionsCommand`,
  'kafka-broker-api-versions': (v: string) =>
    atLeast(v, '4.0')
      ? `${tools}.BrokerApiVersionsCommand`
      : 'kafka.admin.BrokerApiVersionsCommand',
} as const satisfies Record<string, (version: string) => string>
const tools = 'org.apache.kafka.tools'

export type JavaToolName = keyof typeof classes
export type ToolName = JavaToolName | 'kcat'

export const classOf = (tool: JavaToolName, version: string): string => classes[tool](version)

/** Tools before 2.8 ask ZooKeeper, which is none of our business: for older brokers it is those of 2.8. */
export const toolVersion = (brokerVersion: string) =>
  atLeast(brokerVersion, '2.8.2') ? brokerVersion : '2.8.2'

const at =
  (...args: readonly string[]) =>
  (half: Half) => ['--bootstrap-server', half.bootstrap, ...args]
const on = (args: (half: Half) => readonly string[]) => (half: Half) => [
  ...['--bootstrap-server', half.bootstrap],
  ...args(half),
]

/** What is asked of each tool, in this order, once directly and once through the sidecar. */
export function stepsOf(tool: ToolName, version: string): readonly Step[] {
  const step = (args: Step['args'], rest: Omit<Step, 'tool' | 'args'> = {}): Step => ({
    tool,
    args,
    ...rest,
  })
  switch (tool) {
    case 'kafka-topics':
      return [
        step(on((h) => ['--create', '--topic', h.newTopic, '--replica-assignment', '1:2,2:3'])),
        step(at('--list'), { ownLines: true }),
        step(on((h) => ['--describe', '--topic', h.topic])),
        step(on((h) => ['--alter', '--topic', h.newTopic, '--partitions', '3'])),
        step(on((h) => ['--delete', '--topic', h.newTopic])),
        step(at('--describe', '--under-replicated-partitions')),
      ]
    case 'kafka-configs':
      return configSteps(step)
    case 'kafka-consumer-groups':
      return groupSteps(step)
    case 'kafka-acls': {
      const rule = (h: Half) => [
        '--allow-principal',
        'User:bob',
        '--operation',
        'Read',
        '--topic',
        h.topic,
      ]
      return [
        step(on((h) => ['--add', ...rule(h)])),
        step(on((h) => ['--list', '--topic', h.topic])),
        step(on((h) => ['--remove', '--force', ...rule(h)])),
        step(on((h) => ['--list', '--topic', h.topic])),
      ]
    }
    case 'kafka-producer-perf-test':
      return [
        step(
          (h) => [
            ...['--topic', h.topic, '--num-records', '500', '--record-size', '100'],
            ...['--throughput', '-1', '--producer-props', `bootstrap.servers=${h.bootstrap}`],
          ],
          { measured: true },
        ),
      ]
    case 'kafka-consumer-perf-test':
      return [
        step(
          on((h) => ['--topic', h.topic, '--messages', '30', '--timeout', '20000']),
          {
            measured: true,
          },
        ),
      ]
    case 'kafka-console-producer':
      return [
        step(
          on((h) => [
            '--topic',
            h.topic,
            '--property',
            'parse.key=true',
            '--property',
            'key.separator=:',
          ]),
          { input: 'a:one\nb:two\nc:three\n' },
        ),
      ]
    case 'kafka-console-consumer':
      return [
        step(
          on((h) => [
            ...['--topic', h.topic, '--from-beginning', '--max-messages', '30'],
            ...[
              '--timeout-ms',
              '20000',
              '--property',
              'print.key=true',
              '--property',
              'print.offset=true',
            ],
          ]),
        ),
      ]
    case 'kafka-log-dirs':
      return [step(on((h) => ['--describe', '--broker-list', '1,2,3', '--topic-list', h.topic]))]
    case 'kafka-get-offsets': {
      const flag = atLeast(version, '3.0') ? '--bootstrap-server' : '--broker-list'
      return ['-1', '-2'].map((time) =>
        step((h) => [flag, h.bootstrap, '--topic', h.topic, '--time', time]),
      )
    }
    case 'kafka-delete-records':
      return [
        step(
          on((h) => {
            const partitions = [{ topic: h.topic, partition: 0, offset: 4 }]
            return ['--offset-json-file', h.file('delete.json', { partitions, version: 1 })]
          }),
        ),
      ]
    case 'kafka-leader-election':
      return [
        step(
          on((h) => ['--election-type', 'preferred', '--topic', h.topic, '--partition', '0']),
          {
            since: '2.2',
          },
        ),
      ]
    case 'kafka-reassign-partitions': {
      const plan = (h: Half) =>
        h.file('reassign.json', {
          version: 1,
          partitions: [{ topic: h.topic, partition: 0, replicas: [2, 1] }],
        })
      return [
        step(at('--list'), { since: '2.4' }),
        step(
          on((h) => ['--execute', '--reassignment-json-file', plan(h)]),
          { since: '2.4' },
        ),
        step(
          on((h) => ['--verify', '--reassignment-json-file', plan(h)]),
          {
            since: '2.4',
            until: /complete/,
          },
        ),
      ]
    }
    case 'kafka-cluster':
      return [step((h) => ['cluster-id', '--bootstrap-server', h.bootstrap])]
    case 'kafka-transactions':
      return [
        step(at('list'), { since: '3.0' }),
        step(
          on((h) => ['describe-producers', '--topic', h.topic, '--partition', '0']),
          {
            since: '3.0',
            measured: true,
          },
        ),
      ]
    case 'kafka-broker-api-versions':
      return [step(at(), { codeOnly: true })]
    case 'kcat':
      return kcatSteps(step)
  }
}

type MakeStep = (args: Step['args'], rest?: Omit<Step, 'tool' | 'args'>) => Step

function configSteps(step: MakeStep): Step[] {
  const topic = (h: Half) => ['--entity-type', 'topics', '--entity-name', h.topic]
  const broker = ['--entity-type', 'brokers', '--entity-name', '1']
  const client = (h: Half) => ['--entity-type', 'clients', '--entity-name', h.group]
  // Before 2.3 a change of one entry was a read and a write of all, which these tools no longer do.
  const since = '2.3'
  return [
    step(
      on((h) => ['--alter', ...topic(h), '--add-config', 'retention.ms=1000000']),
      { since },
    ),
    step(on((h) => ['--describe', ...topic(h)])),
    step(
      on((h) => ['--alter', ...topic(h), '--delete-config', 'retention.ms']),
      { since },
    ),
    step(
      on((h) => ['--describe', ...topic(h), '--all']),
      { since: '2.5' },
    ),
    step(at('--alter', ...broker, '--add-config', 'log.cleaner.threads=2'), { since }),
    step(at('--describe', ...broker)),
    step(at('--alter', ...broker, '--delete-config', 'log.cleaner.threads'), { since }),
    step(
      on((h) => ['--alter', ...client(h), '--add-config', 'producer_byte_rate=1000000']),
      {
        since: '2.6',
      },
    ),
    step(
      on((h) => ['--describe', ...client(h)]),
      { since: '2.6' },
    ),
  ]
}

function groupSteps(step: MakeStep): Step[] {
  const reset = (h: Half) => ['--reset-offsets', '--group', h.group, '--topic', h.topic]
  return [
    step(at('--list'), { ownLines: true }),
    step(on((h) => ['--describe', '--group', h.group])),
    step(on((h) => ['--describe', '--state', '--group', h.group])),
    step(on((h) => ['--describe', '--members', '--group', h.group])),
    step(on((h) => [...reset(h), '--to-earliest', '--execute'])),
    step(on((h) => [...reset(h), '--to-offset', '7', '--dry-run'])),
    step(on((h) => ['--describe', '--group', h.group])),
    step(
      on((h) => ['--delete-offsets', '--group', h.group, '--topic', h.topic]),
      { since: '2.4' },
    ),
    step(on((h) => ['--delete', '--group', h.group])),
    step(on((h) => ['--describe', '--group', h.group])),
  ]
}

function kcatSteps(step: MakeStep): Step[] {
  const quiet = ['-X', 'log_level=3']
  return [
    step((h) => ['-b', h.bootstrap, '-L', '-t', h.topic]),
    step((h) => ['-b', h.bootstrap, '-P', '-t', h.topic, '-p', '0', '-K', ':', ...quiet], {
      input: 'k:v1\nk:v2\n',
    }),
    step((h) => [
      ...['-b', h.bootstrap, '-C', '-t', h.topic, '-o', 'beginning', '-e'],
      ...['-f', '%p %o %k %s\\n', ...quiet],
    ]),
    step((h) => ['-b', h.bootstrap, '-Q', '-t', `${h.topic}:0:-1`]),
  ]
}

export const toolNames: readonly ToolName[] = [
  ...Object.keys(classes).filter((name): name is JavaToolName => name in classes),
  'kcat',
]
