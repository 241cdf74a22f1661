import type { ExportStore } from '@sallyport/core'

type OnTrouble = NonNullable<ExportStore['onTrouble']>
type Listener = Parameters<OnTrouble>[0]

/** The troubles of one store that do not stop it from serving. */
export interface StoreTroubles {
  readonly onTrouble: OnTrouble
  /** Reports to every listener, once for each code. */
  readonly reportOnce: Listener
}

/** Creates the troubles of one store. A store may serve several handlers, so all of them listen. */
export function createStoreTroubles(): StoreTroubles {
  const listeners: Listener[] = []
  const reported = new Set<Parameters<Listener>[0]>()
  return {
    onTrouble: (listener) => void listeners.push(listener),
    reportOnce: (code, cause) => {
      if (reported.has(code) || listeners.length === 0) return
      reported.add(code)
      for (const listener of listeners) {
        try {
          listener(code, cause)
        } catch {
          // A listener's fault must not refuse the download.
        }
      }
    },
  }
}
