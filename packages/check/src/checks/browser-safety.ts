import { type Check, must, pass } from '../check.ts'
import { field } from '../exchange.ts'
import { readList } from '../fields.ts'

/** What keeps an export out of caches, and from running in a browser. */
export const browserSafety: readonly Check[] = [
  {
    id: 'browser-safety.shared-caches',
    title: 'Shared caches may not store the export',
    reference: 'RFC 9111 §3.5',
    consequence: 'A cache gives the export to the next caller, who has no permission.',
    judge: (get, { settings }) => {
      if (settings.credentials === 'none') return pass('the export is public')
      const control = readList(field(get, 'cache-control'))
      const opened = control.find((one) => one === 'public' || one.startsWith('s-maxage'))
      return must(opened === undefined, control.join(', '), `Cache-Control: ${control.join(', ')}`)
    },
  },
  {
    id: 'browser-safety.no-store',
    title: 'Cache-Control is private or no-store',
    reference: 'RFC 9111 §5.2.2.5',
    consequence: 'It keeps a copy on a shared computer, or in a cache on the way.',
    isOurs: true,
    after: ['browser-safety.shared-caches'],
    judge: (get) => {
      const control = readList(field(get, 'cache-control'))
      return must(
        control.includes('no-store') || control.includes('private'),
        control.join(', '),
        `Cache-Control: ${control.join(', ')}`,
      )
    },
  },
  {
    id: 'browser-safety.nosniff',
    title: 'X-Content-Type-Options is nosniff',
    reference: 'Fetch §3.6',
    consequence: 'A browser may take the export for a page and run its scripts.',
    isOurs: true,
    judge: (get) => {
      const value = field(get, 'x-content-type-options')
      return must(
        value?.toLowerCase() === 'nosniff',
        'nosniff',
        `X-Content-Type-Options: ${value ?? 'absent'}`,
      )
    },
  },
  {
    id: 'browser-safety.sandbox',
    title: 'Content-Security-Policy forbids scripts',
    reference: 'CSP3 §6.4',
    consequence: 'A browser that shows the export runs what is written in it, as your site.',
    isOurs: true,
    judge: (get) => {
      const value = field(get, 'content-security-policy') ?? ''
      return must(
        /\bsandbox\b|default-src 'none'/.test(value),
        value,
        'Content-Security-Policy is absent or allows scripts',
      )
    },
  },
  {
    id: 'browser-safety.referrer',
    title: 'Referrer-Policy is no-referrer',
    reference: 'Referrer Policy §3.1',
    consequence: 'It tells the URL, with its ticket, to the next site.',
    isOurs: true,
    judge: (get) => {
      const value = field(get, 'referrer-policy') ?? 'absent'
      return must(value === 'no-referrer', value, `Referrer-Policy: ${value}`)
    },
  },
]
