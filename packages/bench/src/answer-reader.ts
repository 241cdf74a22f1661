/** One complete response. `length` is the Content-Length, also of a response to a HEAD. */
export interface ReadAnswer {
  readonly status: number
  readonly length: number
}

const noBytes = Buffer.alloc(0)
const headEnd = '\r\n\r\n'
const lengthField = /\r\ncontent-length: *(\d+)/i

/**
 * Reads responses from a keep-alive connection (RFC 9112 §6), and counts the bytes of each body instead of keeping them.
 *
 * @param onAnswer - called when the last byte of a response was read
 * @param isHead - whether the response is to a HEAD, so that no body follows
 * @throws Error for a response without Content-Length, because its end is unknown
 */
export function createAnswerReader(
  onAnswer: (answer: ReadAnswer) => void,
  isHead: () => boolean = () => false,
): (bytes: Buffer) => void {
  let head: Buffer = noBytes
  let status = 0
  let length = 0
  let left = 0 // bytes of the body; 0: a head follows
  return (bytes) => {
    let rest = bytes
    while (rest.length > 0) {
      if (left === 0) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest])
        const end = head.indexOf(headEnd)
        // The buffer is reused, so copy what is kept.
        if (end === -1) return void (head = Buffer.from(head))
        const text = head.toString('latin1', 0, end)
        status = Number(text.slice(9, 12))
        length = lengthOf(text)
        left = isHead() ? 0 : length
        rest = head.subarray(end + headEnd.length)
        head = noBytes
      }
      const part = Math.min(left, rest.length)
      left -= part
      rest = rest.subarray(part)
      if (left === 0) onAnswer({ status, length })
    }
  }
}

function lengthOf(head: string): number {
  const [, digits] = lengthField.exec(head) ?? []
  if (digits === undefined) throw new Error('an answer without Content-Length')
  return Number(digits)
}
