import type { Cell } from './cell.ts'

export const toolCells: readonly Cell[] = []
