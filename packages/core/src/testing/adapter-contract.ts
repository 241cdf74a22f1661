import { answers } from './adapter-answers.ts'
import { departures } from './adapter-departures.ts'
import { framing } from './adapter-framing.ts'
import { http2Cases } from './adapter-http2.ts'
import { runCase, type Serve } from './adapter-scene.ts'
import { tickets } from './adapter-tickets.ts'
import type { ContractCase } from './store-contract.ts'

export type { Served } from './adapter-scene.ts'

/**
 * Returns test cases that every adapter must pass, for any test runner. They use real sockets, and raw bytes where a client library
 * would hide errors. Each response is compared with the response of the handler without a server: status, header fields in their
 * order and case, and bytes. A server may add only `Date`, `Connection` and `Keep-Alive`.
 *
 * `serve` is called once per case and starts a server. It must mount the handler
 *
 * - for every method at exactly `/exports/{exportId}/download`, case-sensitive and without a trailing slash, with that segment,
 *   decoded, as the parameter `exportId`;
 * - for tickets, as `handler.handleTicket`, for every method at exactly `/exports/{exportId}/ticket`, likewise;
 * - for every other path, without the parameter, also for paths that the framework cannot decode (`%zz`). Otherwise the framework
 *   would answer instead of the handler.
 *
 * The title of a case for one protocol begins with `HTTP/1.1: ` or `HTTP/2: `. On a server with the other protocol (see `url`), the
 * case passes at once.
 *
 * @example
 * adapterContract(serve).forEach(({ title, run }) => test(title, run))
 *
 * @param cannot - cases that the adapter cannot pass: title and reason. They are left out
 * @throws TypeError if no case has a title of `cannot`
 */
export function adapterContract(serve: Serve, cannot: Readonly<Record<string, string>> = {}): ContractCase[] {
  const cases = [...answers, ...framing, ...departures, ...http2Cases, ...tickets].map((one) => ({
    title: one.over === undefined ? one.title : `${protocols[one.over]}: ${one.title}`,
    run: () => runCase(serve, one),
  }))
  const unknown = Object.keys(cannot).filter((title) => cases.every((one) => one.title !== title))
  if (unknown.length > 0) throw new TypeError(`adapterContract: no case is called ${unknown.join(', ')}`)
  return cases.filter(({ title }) => !Object.hasOwn(cannot, title))
}

const protocols = { 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2' } as const
