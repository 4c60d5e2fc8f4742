/** A page that shows how things stand, live. It loads nothing from elsewhere and runs no other script. */
import { createHash } from 'node:crypto'

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin-top: 2rem }
#phase { font-size: 2rem; font-weight: 600 }
#stale { color: #c00; font-weight: 600 } #aborted { color: #c00 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884 }
td { font-variant-numeric: tabular-nums } .dim { opacity: .65 }
`

const script = `
const $ = (id) => document.getElementById(id)
const text = (id, value) => { $(id).textContent = value }
const row = (cells) => {
  const tr = document.createElement('tr')
  for (const cell of cells) tr.appendChild(document.createElement('td')).textContent = cell ?? '-'
  return tr
}
function show(status) {
  text('name', status.name)
  text('phase', status.phase)
  text('way', status.source.join(', ') + (status.target ? ' to ' + status.target.join(', ') : ', no target'))
  text('facts', status.mode + ', ' + status.direction + ', ' + status.connections + ' connections, up ' +
    Math.floor(status.uptimeSeconds) + ' s, version ' + status.version)
  $('waiting').replaceChildren(...status.waitingFor.map((what) => {
    const li = document.createElement('li')
    li.textContent = what
    return li
  }))
  text('aborted', status.lastAbort === null ? '' : 'The last cutover ended before its splice: ' + status.lastAbort)
  $('groups').replaceChildren(...status.groups.map((each) =>
    row([each.group, each.state, each.members, each.remaining, each.ratePerSecond,
      each.etaSeconds === null ? null : each.etaSeconds + ' s'])))
  $('listeners').replaceChildren(...status.listeners.map((each) =>
    row([each.nodeId, each.address, each.home.source, each.home.target])))
  text('stale', '')
}
async function refresh() {
  try {
    const answer = await fetch('status', { signal: AbortSignal.timeout(5000) })
    show(await answer.json())
  } catch {
    text('stale', 'The sidecar does not answer. What is shown is old.')
  }
}
const events = new EventSource('events')
events.addEventListener('status', (event) => show(JSON.parse(event.data)))
events.addEventListener('transition', (event) => {
  const { time, from, to, reason } = JSON.parse(event.data)
  $('log').prepend(row([time, from + ' to ' + to, reason]))
  while ($('log').rows.length > 100) $('log').deleteRow(-1)
  refresh()
})
setInterval(refresh, 2000)
`

export const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>kafka-cutover</title><link rel="icon" href="data:,"><style>${style}</style></head>
<body>
<h1>kafka-cutover <span id="name" class="dim"></span></h1>
<div id="stale" role="alert"></div>
<div id="phase"></div>
<div id="way"></div>
<div id="facts" class="dim"></div>
<div id="aborted"></div>
<ul id="waiting"></ul>
<h2>Groups</h2>
<table><thead><tr><th>group</th><th>state</th><th>members</th><th>records left</th><th>per second</th><th>for</th></tr></thead>
<tbody id="groups"></tbody></table>
<h2>Virtual brokers</h2>
<table><thead><tr><th>node</th><th>clients connect to</th><th>home in the source</th><th>home in the target</th></tr></thead>
<tbody id="listeners"></tbody></table>
<h2>Transitions</h2>
<table><thead><tr><th>time</th><th>transition</th><th>reason</th></tr></thead><tbody id="log"></tbody></table>
<script>${script}</script>
</body></html>
`

const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`

export const pageHeaders = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "connect-src 'self'",
    'img-src data:',
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'Referrer-Policy': 'no-referrer',
} as const
