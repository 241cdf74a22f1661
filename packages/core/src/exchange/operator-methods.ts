import { checkCall } from '../options/check-handler.ts'
import type { TokenVerifier } from '../ports.ts'
import type { ExportHandler } from '../request-response.ts'
import { abortable } from '../waiting.ts'
import type { Running } from './running.ts'

/** The methods of a handler that are for the operator. They check what they are given. */
export const operatorMethods = (
  running: Running,
  verifier: TokenVerifier,
): Pick<ExportHandler, 'downloads' | 'cut' | 'drain' | 'ready'> => ({
  downloads: running.downloads,
  cut: (matches) => {
    checkCall('cut', { matches })
    return running.cut(matches)
  },
  drain: (terms) => {
    checkCall('drain', terms)
    return running.drain(terms.withinMs)
  },
  ready: async (signal) => {
    checkCall('ready', { signal })
    return abortable(verifier.ready?.(signal) ?? Promise.resolve(), signal)
  },
})
