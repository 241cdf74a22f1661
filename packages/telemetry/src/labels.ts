import type { AdmissionAsk, ExportEvent, Outcome, RefusalKind, Trouble } from '@sallyport/core'

import type { Labels } from './open-telemetry.ts'

/**
 * The labels of the metrics, made in this file only. Each value comes from a closed set: a table of core, the host's `versions`, or
 * the names of quotas and slots. SDKs keep 2,000 sets of labels per metric, so a value that a caller chooses must never become a label.
 * Equal labels are the same object, so that a `Map` can count by them.
 */
export interface LabelMaker {
  readonly ofDownload: (event: Versioned) => Labels
  readonly ofEnding: (event: Versioned & { readonly outcome: Outcome }) => Labels
  readonly ofVersion: (version: string | undefined) => Labels
}

type Versioned = Pick<Extract<ExportEvent, { type: 'download_started' }>, 'version' | 'via'>

/** @param versions - the names of the handler's versions */
export function createLabels(versions: readonly string[]): LabelMaker {
  const known = new Set(versions)
  const named = (version: string | undefined): string | undefined =>
    version === undefined || known.has(version) ? version : other
  return {
    ofVersion: (version) => labelsOf({ version: named(version) }),
    ofDownload: ({ version, via }) => labelsOf({ via, version: named(version) }),
    ofEnding: ({ outcome, version, via }) => labelsOf({ outcome, via, version: named(version) }),
  }
}

/** The labels of `sallyport.requests`. */
export const requestLabels = (event: {
  readonly outcome: Outcome
  readonly kind?: RefusalKind
  readonly status: number
}): Labels => labelsOf({ outcome: event.outcome, kind: event.kind, status: statusLabel(event.status) })

/** The labels of `sallyport.troubles`. Core reports only codes of its table. */
export const troubleLabels = ({ port, code }: Trouble): Labels => labelsOf({ port, code })

/** The labels of `sallyport.store.reopens`, and of an admission that was not refused. */
export const resultLabels = (result: 'opened' | 'failed' | 'admitted'): Labels => labelsOf({ result })

/** The labels of an admission that the limiter refused. A limiter in plain JavaScript may name what was not asked. */
export const refusedLabels = ({ quotas, slots }: AdmissionAsk, by: string): Labels =>
  labelsOf({ result: 'refused', by: [...quotas, ...slots].some(({ name }) => name === by) ? by : other })

/** An error format of the host may choose any status from 400 to 599. */
const statusLabel = (status: number): string =>
  Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : other

const other = 'other'

/** All labels of this process, by their names and values. */
const made = new Map<string, Labels>()

/** Leaves out what is `undefined`. Only the last value may be any text: so equal keys have equal labels. */
function labelsOf(values: Readonly<Record<string, string | undefined>>): Labels {
  let key = ''
  for (const name in values) key += `${name}=${values[name]},`
  const known = made.get(key)
  if (known) return known
  const labels: Labels = Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
  made.set(key, labels)
  return labels
}
