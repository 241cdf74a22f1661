import type { Parsed } from './require-valid.ts'

/** The version that answers, and whether it is the one that was asked for. */
export interface NegotiatedVersion<V> {
  readonly version: V
  readonly parsed: Parsed<V>
}

/**
 * Chooses the version that answers. It refuses nothing: an unknown version is answered in the default's error format, and its
 * fault is judged with those of the other parts. From its sunset on a version is unknown, also to clients that name none.
 *
 * @param requested - the value of the version header; `undefined`: the default
 * @param now - ms since the epoch
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

const serves = (version: { readonly sunset?: Date | undefined }, now: number): boolean =>
  version.sunset === undefined || now < version.sunset.getTime()
