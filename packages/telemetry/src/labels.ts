import type { AdmissionAsk, ExportEvent, Outcome, RefusalKind, Trouble } from '@sallyport/core'

import type { Labels } from './open-telemetry.ts'

/**
 * The labels of the metrics, made in this file only. Each value comes from a closed set: a table of core, the host's `versions`, or
 * the names of quotas and slots. SDKs keep 2,000 sets of labels per metric, so a value that a caller chooses must never become a label.
 */
export interface LabelMaker {
  readonly ofDownload: (event: Versioned) => Labels
  readonly ofVersion: (version: string | undefined) => Labels
}

type Versioned = Pick<Extract<ExportEvent, { type: 'download_started' }>, 'version' | 'via'>

/** @param versions - the names of the handler's versions */
export function createLabels(versions: readonly string[]): LabelMaker {
  const known = new Set(versions)
  const ofVersion = (version: string | undefined): Record<string, string> =>
    version === undefined ? {} : { version: known.has(version) ? version : other }
  return {
    ofVersion,
    ofDownload: ({ version, via }) => ({ ...ofVersion(version), ...(via && { via }) }),
  }
}

/** The labels of `sallyport.requests`. */
export const requestLabels = (event: {
  readonly outcome: Outcome
  readonly kind?: RefusalKind
  readonly status: number
}): Labels => ({
  outcome: event.outcome,
  ...(event.kind && { kind: event.kind }),
  status: statusLabel(event.status),
})

/** The labels of `sallyport.troubles`. Core reports only codes of its table. */
export const troubleLabels = ({ port, code }: Trouble): Labels => ({ port, code })

/** The labels of an admission that the limiter refused. A limiter in plain JavaScript may name what was not asked. */
export const refusedLabels = ({ quotas, slots }: AdmissionAsk, by: string): Labels => ({
  result: 'refused',
  by: [...quotas, ...slots].some(({ name }) => name === by) ? by : other,
})

/** An error format of the host may choose any status from 400 to 599. */
const statusLabel = (status: number): string =>
  Number.isInteger(status) && status >= 100 && status <= 599 ? String(status) : other

const other = 'other'
