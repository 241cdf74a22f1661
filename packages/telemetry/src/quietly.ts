/** Calls a function of OpenTelemetry. An exporter, a processor or a sampler that throws must not harm a download. */
export function quietly<V>(call: () => V): V | undefined {
  try {
    return call()
  } catch {
    return undefined
  }
}
