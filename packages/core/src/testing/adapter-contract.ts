import { answers } from './adapter-answers.ts'
import { departures } from './adapter-departures.ts'
import { framing } from './adapter-framing.ts'
import { playCase, type Serve } from './adapter-scene.ts'
import { streams } from './adapter-streams.ts'
import type { ContractCase } from './store-contract.ts'

export type { Served } from './adapter-scene.ts'

/**
 * What every adapter must do, as cases for any test runner: over real sockets, in raw bytes where a client library would
 * smooth things over. The guard itself is asked the same without a server, and the wire has to show that answer: status,
 * header fields in their order and case, bytes. A server adds `Date`, `Connection` and `Keep-Alive`, and nothing else.
 *
 * `serve` is asked once per case, for a server of its own. It mounts the handler
 *
 * - for every method at exactly `/exports/{exportId}/download`, where case and a trailing slash count, with that segment,
 *   decoded, as the parameter `exportId`;
 * - for every other path too, without the parameter, and so for what the framework cannot decode (`%zz`): the one way in
 *   which no framework answers in the guard's place.
 *
 * Titles begin with `HTTP/1.1: ` or `HTTP/2: ` where a case belongs to one of them; on a server that speaks the other
 * (`url` tells) it passes at once.
 *
 * @example
 * adapterContract(serve).forEach(({ title, run }) => test(title, run))
 *
 * @param cannot - cases that the adapter cannot do: title and reason. They are left out
 * @throws TypeError for a title in `cannot` that no case has
 */
export function adapterContract(serve: Serve, cannot: Readonly<Record<string, string>> = {}): ContractCase[] {
  const cases = [...answers, ...framing, ...departures, ...streams].map((one) => ({
    title: one.over === undefined ? one.title : `${protocols[one.over]}: ${one.title}`,
    run: () => playCase(serve, one),
  }))
  const unknown = Object.keys(cannot).filter((title) => cases.every((one) => one.title !== title))
  if (unknown.length > 0) throw new TypeError(`adapterContract: no case is called ${unknown.join(', ')}`)
  return cases.filter(({ title }) => !Object.hasOwn(cannot, title))
}

const protocols = { 'http/1.1': 'HTTP/1.1', h2: 'HTTP/2' } as const
