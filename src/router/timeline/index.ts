export * from './parallel.ts'
export * from './places.ts'
export * from './producer-ids.ts'
export * from './timeline.ts'
