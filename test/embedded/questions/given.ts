/** What was answered, by the name of the question: error codes and offsets. */
export type Answers = Record<string, unknown>

/** The topic that every question is about. */
export const topic = 'orders'
/** An id that no topic has. */
export const unknownId = 'AAAAAAAAAAAAAAAAAAAAQQ'
