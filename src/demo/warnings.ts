/**
 * kafkajs 2.2 sets timeouts into the past, of which Node warns on standard error.
 * @returns lets them be printed again
 */
export function muteTimeoutWarnings(): () => void {
  const printers = process.listeners('warning')
  const print = (warning: Error) => {
    if (warning.name === 'TimeoutNegativeWarning') return
    for (const printer of printers) printer.call(process, warning)
  }
  process.removeAllListeners('warning').on('warning', print)
  return () => {
    process.off('warning', print)
    for (const printer of printers) process.on('warning', printer)
  }
}
