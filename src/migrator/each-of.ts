/** Does it for each, at most so many at once. */
export async function eachOf<T>(
  all: readonly T[],
  atOnce: number,
  act: (each: T) => Promise<void>,
): Promise<void> {
  const left = [...all]
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await act(next)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
