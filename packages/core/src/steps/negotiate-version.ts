import type { Parsed } from './require-valid.ts'

/** The version that answers the request. */
export interface NegotiatedVersion<V> {
  /** The requested version, or the default one if the request names an unknown one. */
  readonly version: V
  /** The requested version, or the fault if it is unknown. */
  readonly parsed: Parsed<V>
}

/**
 * Chooses the version that answers. Does not refuse: a request with an unknown version is answered in the error format of the
 * default version, and {@link requireValid} refuses it together with the faults of the other parts. From its sunset on a version is
 * unknown, also if it is the default.
 *
 * @param requested - the value of the version header. `undefined`: the default version is requested
 * @param now - the current time, in milliseconds since the epoch
 */
export function negotiateVersion<V extends { readonly sunset?: Date | undefined }>(
  requested: string | undefined,
  { versions, defaultVersion, versionHeader }: VersionRules<V>,
  now: number,
): NegotiatedVersion<V> {
  const version = requested === undefined ? defaultVersion : versions.get(requested)
  if (version && serves(version, now)) return { version, parsed: { value: version } }
  const allowed = [...versions].filter(([, version]) => serves(version, now)).map(([name]) => name)
  const fault = {
    part: 'version',
    in: 'header',
    name: versionHeader,
    input: requested ?? null,
    rule: 'one_of',
    allowed,
  } as const
  return { version: defaultVersion, parsed: { fault } }
}

interface VersionRules<V> {
  readonly versions: ReadonlyMap<string, V>
  readonly defaultVersion: V
  readonly versionHeader: string
}

/** Whether a version is served at a time, in milliseconds since the epoch: it is before its sunset, or has none. */
export const serves = (version: { readonly sunset?: Date | undefined }, now: number): boolean =>
  version.sunset === undefined || now < version.sunset.getTime()
