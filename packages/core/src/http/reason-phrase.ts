/** The reason phrase of a status (RFC 9110 §15, RFC 6585 §4). `'Error'`: the status is not one that the handler sends. */
export const reasonPhrase = (status: number): string => phrases.get(status) ?? 'Error'

const phrases: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [410, 'Gone'],
  [412, 'Precondition Failed'],
  [416, 'Range Not Satisfiable'],
  [422, 'Unprocessable Content'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
])
