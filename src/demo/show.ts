import type { AdminEvent, Phase, Status } from '../admin/index.ts'
import { clockText, moveText, Screen, sceneLine, sceneLines, type Output } from './display.ts'
import type { Ledger } from './ledger.ts'
import type { Stage } from './stage.ts'
import { Watch } from './watch.ts'

/** What goes on, as it goes on. */
export interface Show {
  readonly watch: Watch
  /** Something worth a line of its own has happened. */
  readonly tell: (event: string) => void
  readonly end: () => void
}

const refreshMs = 1_000
/** On a terminal there is no line that stays. */
const refreshTerminalMs = 200

export function startShow(stdout: Output, stage: Stage, ledger: Ledger): Show {
  const start = performance.now()
  const elapsed = () => (performance.now() - start) / 1000
  const screen = new Screen(stdout)
  const events: string[] = []
  const tell = (event: string): void => {
    const text = `${clockText(elapsed())} ${event}`
    events.push(text)
    if (!stdout.isTTY) screen.say(text)
  }
  const watch = new Watch(stage.adminUrl, tellGroups(tell), tellTransition(tell))
  const sentPerSecond = rate()
  const draw = (): void => {
    const { books } = ledger
    const scene = {
      seconds: elapsed(),
      bootstrap: stage.bootstrap,
      adminUrl: stage.adminUrl,
      books,
      sentPerSecond: sentPerSecond(books.sent, performance.now()),
      status: watch.status,
      sourceIsUp: stage.sourceIsUp,
      events,
    }
    if (stdout.isTTY) screen.show(sceneLines(scene))
    else screen.say(sceneLine(scene))
  }
  const timer = setInterval(draw, stdout.isTTY ? refreshTerminalMs : refreshMs)
  return {
    watch,
    tell,
    end() {
      clearInterval(timer)
      draw()
      watch.end()
    },
  }
}

/** @returns tells how much a count has grown in a second, from one second to the next */
function rate(): (count: number, now: number) => number {
  let before = { count: 0, at: performance.now() }
  let perSecond = 0
  return (count, now) => {
    if (now - before.at >= refreshMs * 0.9) {
      perSecond = Math.round(((count - before.count) * 1_000) / (now - before.at))
      before = { count, at: now }
    }
    return perSecond
  }
}

const tellTransition =
  (tell: (event: string) => void) =>
  ({ from, to, reason }: AdminEvent): void =>
    tell(`phase ${from} -> ${to}: ${to === 'source' ? reason : phaseTexts[to]}`)

const phaseTexts: Record<Exclude<Phase, 'source'>, string> = {
  fenced: 'producing is held, what is in flight settles',
  spliced: 'produced to the target, groups read the source to its end',
  drained: 'no group has anything left on the source',
  target: 'all groups have moved, the source is not needed',
}

/** What became of each group since the status before. */
function tellGroups(tell: (event: string) => void) {
  return (now: Status, before: Status | undefined): void => {
    if (before === undefined) return
    for (const group of now.groups) {
      const was = before.groups.find((each) => each.group === group.group)
      if (was !== undefined && was.state === group.state) continue
      if (was === undefined && group.state === 'source') continue
      tell(`group ${group.group}: ${moveText(group)}`)
    }
  }
}
