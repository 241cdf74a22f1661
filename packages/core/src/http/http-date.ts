const longestDate = 'Wednesday, 09-Nov-94 08:49:37 GMT'.length

const imfFixdate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const rfc850Date = /^([A-Z][a-z]{5,8}), (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}:\d{2}:\d{2}) GMT$/
const asctimeDate = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) (\d{4})$/

const weekdays = new Set(['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'])

/**
 * Parses an HTTP-date in any of its three forms (RFC 9110 §5.6.7), for the years 100 to 9999. `undefined`: the text is not an
 * HTTP-date, or its day, time or weekday is wrong.
 *
 * @param now - milliseconds since the epoch. It decides the century of a two-digit year: the latest one that is at most 50 years
 *   ahead
 */
export function parseHttpDate(value: string, now: number = Date.now()): Date | undefined {
  if (value.length > longestDate) return undefined
  const fixdate = imfFixdate.test(value) ? value : (fromAsctime(value) ?? fromRfc850(value, now))
  return fixdate === undefined ? undefined : instant(fixdate)
}

/**
 * Formats an instant as IMF-fixdate, in whole seconds, rounded down (RFC 9110 §5.6.7). An instant outside the years 0 to 9999
 * becomes the nearest one inside.
 *
 * @throws RangeError for an invalid Date, as `toISOString` does
 */
export function formatHttpDate(date: Date): string {
  const ms = date.getTime()
  if (Number.isNaN(ms)) throw new RangeError('An invalid Date has no HTTP-date')
  return (ms >= earliest && ms <= latest ? date : new Date(ms < earliest ? earliest : latest)).toUTCString()
}

const earliest = Date.parse('0000-01-01T00:00:00Z')
const latest = Date.parse('9999-12-31T23:59:59Z')

/** Formats the parsed date again and compares the text. This rejects dates such as 31 June, and wrong weekdays. */
function instant(fixdate: string): Date | undefined {
  const leapMs = fixdate.endsWith(' 23:59:60 GMT') ? 1_000 : 0
  const text = leapMs > 0 ? fixdate.replace(':60 ', ':59 ') : fixdate
  const date = new Date(text)
  return date.toUTCString() === text ? new Date(date.getTime() + leapMs) : undefined
}

function fromAsctime(value: string): string | undefined {
  const [, weekday, month, day, time, year] = asctimeDate.exec(value) ?? []
  return day && `${weekday}, ${day.replace(' ', '0')} ${month} ${year} ${time} GMT`
}

function fromRfc850(value: string, now: number): string | undefined {
  const [, weekday = '', day, month, year, time] = rfc850Date.exec(value) ?? []
  if (!weekdays.has(weekday)) return undefined
  const limit = new Date(now)
  const thisYear = limit.getUTCFullYear()
  limit.setUTCFullYear(thisYear + 50)
  const century = thisYear - (thisYear % 100)
  const inYear = (full: number): string => `${day} ${month} ${full} ${time} GMT`
  const full = [100, 0, -100]
    .map((centuries) => century + centuries + Number(year))
    .find((candidate) => Date.parse(inYear(candidate)) <= limit.getTime())
  return full === undefined ? undefined : `${weekday.slice(0, 3)}, ${inYear(full)}`
}
