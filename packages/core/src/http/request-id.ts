/**
 * The value of `X-Request-Id`, if it is safe to log and to send back: 1 to 64 ASCII letters, digits, `_`, `.` or `-`.
 * `undefined`: there is none, or it is not.
 */
export const parseRequestId = (value: string | undefined): string | undefined =>
  value !== undefined && /^[\w.-]{1,64}$/.test(value) ? value : undefined
