import yargs from 'yargs'
import type { CommandName } from '../admin/index.ts'
import type { Flags } from '../config/index.ts'
import { adminDefault } from './api.ts'

/** What was typed, understood. */
export type Invocation =
  | { readonly kind: 'run'; readonly file: string | undefined; readonly flags: Flags }
  | {
      readonly kind: 'check'
      readonly file: string | undefined
      readonly flags: Flags
      readonly json: boolean
    }
  | {
      readonly kind: 'offsets'
      readonly admin: string
      readonly topic: string
      readonly partition: string
      readonly offset: string
      readonly json: boolean
    }
  | { readonly kind: 'unbuilt'; readonly name: string }
  | { readonly kind: 'demo'; readonly seconds: number; readonly kafka: boolean }
  | {
      readonly kind: 'status'
      readonly admin: string
      readonly watch: boolean
      readonly json: boolean
    }
  | {
      readonly kind: 'command'
      readonly name: CommandName
      readonly admin: string
      readonly wait: boolean
      readonly timeout: string
      readonly dormant: 'wait' | 'leave'
      readonly forget: { readonly sidecar: string } | { readonly group: string } | null
    }
  /** `--help`, `--version`. */
  | { readonly kind: 'shown'; readonly text: string }
  | { readonly kind: 'misused'; readonly error: string; readonly unknown: readonly string[] }

interface ParseDeps {
  readonly version: string
  /** The default of `--admin`. */
  readonly admin: string | undefined
  readonly columns: number
}

const clusterGroup = 'Clusters:'
const listenGroup = 'Listening:'
const planGroup = 'The plan:'
const otherGroup = 'Other:'

const text = (group: string, describe: string) =>
  ({ type: 'string', requiresArg: true, group, describe }) as const

const runFlags = {
  source: text(clusterGroup, 'host:port,... of the cluster that the applications use today'),
  target: text(clusterGroup, 'host:port,... of where it shall go; none is a plain pass-through'),
  listen: text(listenGroup, 'host:port that applications bootstrap from [127.0.0.1:9092]'),
  advertise: text(listenGroup, 'the host that clients are told [the listen host]'),
  mode: text(planGroup, 'ordered or unordered [ordered]'),
  topics: text(planGroup, 'a,b:b2,... - which topics move [every topic]'),
  journal: text(planGroup, 'file:PATH, or topic:NAME for more than one sidecar [a file]'),
  name: text(otherGroup, 'this sidecar in a fleet [the host name]'),
  config: text(otherGroup, 'a YAML file; flags override it'),
  'log-level': text(otherGroup, 'fatal, error, warn, info, debug, trace, silent [info]'),
} as const

const listenAdmin = {
  admin: text(listenGroup, 'host:port of the admin API, metrics, dashboard [127.0.0.1:9600]'),
} as const

const json = { type: 'boolean', default: false, describe: 'print JSON' } as const

/** Reads the command line; runs nothing. */
export async function parse(argv: readonly string[], deps: ParseDeps): Promise<Invocation> {
  let chosen: Invocation | undefined
  let failure: string | undefined
  const choose = (invocation: Invocation): void => {
    chosen = invocation
  }
  const reach = {
    admin: {
      type: 'string',
      requiresArg: true,
      default: deps.admin ?? adminDefault,
      defaultDescription: `$KAFKA_CUTOVER_ADMIN or ${adminDefault}`,
      describe: "the running sidecar's admin address",
    },
  } as const
  const waiting = {
    timeout: {
      type: 'string',
      requiresArg: true,
      default: '15m',
      describe: 'how long to wait; it goes on afterwards',
    },
    'no-wait': { type: 'boolean', default: false, describe: 'return when it is accepted' },
    dormant: {
      type: 'string',
      choices: ['wait', 'leave'],
      default: 'wait',
      describe: 'groups with records left and no members: wait for them, or let them stay',
    },
  } as const
  const plain = { wait: false, timeout: '15m', dormant: 'wait', forget: null } as const

  const parser = yargs()
    .scriptName('kafka-cutover')
    .usage(
      'kafka-cutover <command>\n\nMoves running applications from one Kafka cluster to another.',
    )
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .command(
      'run',
      'Run the sidecar',
      (y) =>
        y
          .options(runFlags)
          .options(listenAdmin)
          .example(
            '$0 run --source 10.0.0.1:9092 --target 10.9.0.5:9092',
            'applications connect to 127.0.0.1:9092',
          )
          .example('$0 run --config sidecar.yaml', 'everything from a file')
          .epilogue(
            'Signals: SIGTERM and SIGINT stop, SIGHUP reloads the configuration, SIGUSR2 is cutover.\nExit code: 0 stopped, 1 fatal error, 2 bad configuration.',
          ),
      (args) =>
        choose({
          kind: 'run',
          file: one('config', args.config),
          flags: { ...flagsOf(args), admin: one('admin', args.admin) },
        }),
    )
    .command(
      'check',
      'Preflight on both clusters; changes nothing',
      (y) => y.options(runFlags).options({ json }),
      (args) =>
        choose({
          kind: 'check',
          file: one('config', args.config),
          flags: flagsOf(args),
          json: args.json,
        }),
    )
    .command(
      'topics',
      'Show what the target lacks, and create it',
      (y) =>
        y
          .options(runFlags)
          .options({ json })
          .option('apply', { type: 'boolean', default: false, describe: 'create the topics' }),
      () => choose({ kind: 'unbuilt', name: 'topics' }),
    )
    .command(
      'cutover',
      'Move to the target, and wait until it is done',
      (y) => y.options(reach).options(waiting),
      (args) =>
        choose({
          ...plain,
          kind: 'command',
          name: 'cutover',
          admin: args.admin,
          wait: !args['no-wait'],
          timeout: args.timeout,
          dormant: args.dormant === 'leave' ? 'leave' : 'wait',
        }),
    )
    .command(
      'rollback',
      'Move back to the source, and wait until it is done',
      (y) => y.options(reach).options(waiting),
      (args) =>
        choose({
          ...plain,
          kind: 'command',
          name: 'rollback',
          admin: args.admin,
          wait: !args['no-wait'],
          timeout: args.timeout,
          dormant: args.dormant === 'leave' ? 'leave' : 'wait',
        }),
    )
    .command(
      'abort',
      'End a fence; everything flows to the source again',
      (y) => y.options(reach),
      (args) => choose({ ...plain, kind: 'command', name: 'abort', admin: args.admin }),
    )
    .command(
      'status',
      'Where everything stands',
      (y) =>
        y.options(reach).options({
          watch: { type: 'boolean', default: false, describe: 'refresh every second' },
          json,
        }),
      ({ admin, watch, json: asJson }) => choose({ kind: 'status', admin, watch, json: asJson }),
    )
    .command(
      'forget [name]',
      'Wait no longer for a sidecar, or for a dormant group',
      (y) =>
        y
          .positional('name', { type: 'string', describe: 'a sidecar' })
          .option('group', { type: 'string', requiresArg: true, describe: 'a dormant group' })
          .options(reach)
          .check(({ name, group }) => {
            if ((name === undefined) !== (group === undefined)) return true
            throw new Error('forget takes the name of a sidecar, or --group NAME')
          }),
      ({ admin, name = '', group }) =>
        choose({
          ...plain,
          kind: 'command',
          name: 'forget',
          admin,
          forget: group === undefined ? { sidecar: name } : { group },
        }),
    )
    .command(
      'offsets <topic> <partition> <offset>',
      'Translate an offset that an application keeps itself',
      (y) =>
        y
          .positional('topic', { type: 'string', demandOption: true })
          .positional('partition', { type: 'string', demandOption: true })
          .positional('offset', { type: 'string', demandOption: true })
          .options(reach)
          .options({ json }),
      ({ admin, topic, partition, offset, json: asJson }) =>
        choose({ kind: 'offsets', admin, topic, partition, offset, json: asJson }),
    )
    .command(
      'demo',
      'Two clusters (embedded ones), kafkajs applications, a live cutover, and a verdict',
      (y) =>
        y.options({
          seconds: {
            type: 'number',
            default: 20,
            describe: 'how long the applications run, and what the cutover takes in addition',
          },
          kafka: {
            type: 'boolean',
            default: false,
            describe: 'on real brokers; in a clone, with Java and Maven, or Docker',
          },
        }),
      ({ seconds, kafka }) => {
        if (seconds >= 1 && seconds <= 3600) choose({ kind: 'demo', seconds, kafka })
        else failure = `--seconds ${seconds}: give a number from 1 to 3600`
      },
    )
    .demandCommand(1, 'Name a command')
    .strict()
    .recommendCommands()
    .detectLocale(false)
    .version(deps.version)
    .alias('help', 'h')
    .help()
    .wrap(deps.columns)
    .epilogue(
      'The commands that change or show a running sidecar find it at --admin.\nkafka-cutover <command> --help tells more.',
    )
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      failure ??= message ?? error?.message ?? 'not understood'
    })

  let output = ''
  try {
    await parser.parseAsync([...argv], {}, (_error, _args, shown) => {
      output = shown
    })
  } catch (error) {
    failure ??= error instanceof Error ? error.message : String(error)
  }
  if (failure !== undefined) {
    const [, unknown = ''] = /^Unknown arguments?: (.*)$/.exec(failure) ?? []
    return { kind: 'misused', error: failure, unknown: unknown.split(', ').filter(Boolean) }
  }
  return chosen ?? { kind: 'shown', text: output }
}

type Given = string | readonly string[] | undefined

function flagsOf(args: Readonly<Partial<Record<keyof typeof runFlags, Given>>>): Flags {
  return {
    source: list(args.source),
    target: list(args.target),
    listen: one('listen', args.listen),
    advertise: one('advertise', args.advertise),
    mode: one('mode', args.mode),
    topics: list(args.topics),
    journal: one('journal', args.journal),
    name: one('name', args.name),
    logLevel: one('log-level', args['log-level']),
  }
}

/** A flag that was given twice is a list to yargs. */
function one(flag: string, value: Given): string | undefined {
  if (value === undefined || typeof value === 'string') return value
  throw new Error(`--${flag} was given ${value.length} times; give it once`)
}

function list(value: Given): string | undefined {
  return value === undefined || typeof value === 'string' ? value : value.join(',')
}

/** What a mistyped word may have been meant to be. */
export const flagWords = [
  ...Object.keys({ ...runFlags, ...listenAdmin }),
  ...['json', 'watch', 'apply', 'timeout', 'no-wait', 'dormant', 'group', 'help', 'version'],
].map((name) => `--${name}`)

export const commandWords = [
  ...['run', 'check', 'topics', 'cutover', 'rollback', 'abort', 'status', 'forget', 'offsets'],
  'demo',
]
