import { parseByteRanges, resolveByteRanges } from '../../core/src/http/byte-range.ts'
import { formatAttachment } from '../../core/src/http/content-disposition.ts'
import { admissionAsk, admissionFields } from '../../core/src/steps/admit.ts'
import { authenticate } from '../../core/src/steps/authenticate.ts'
import { authorize } from '../../core/src/steps/authorize.ts'
import { checkPrincipal } from '../../core/src/steps/check-principal.ts'
import { checkRecord } from '../../core/src/steps/check-record.ts'
import { negotiateVersion } from '../../core/src/steps/negotiate-version.ts'
import { parseExportId } from '../../core/src/steps/parse-export-id.ts'
import { defaultNamePattern, parseTenantName } from '../../core/src/steps/parse-tenant-name.ts'
import { objectEtag, planDelivery } from '../../core/src/steps/plan-delivery.ts'
import { resolveTenant } from '../../core/src/steps/resolve-tenant.ts'
import { capability } from '../src/settings.ts'
import type { Subject } from './measure.ts'
import { type MicroScene, quota } from './scene.ts'

/** Each step of the pipeline by itself. */
export function stepSubjects(scene: MicroScene): readonly Subject[] {
  const { principal, tenant, record, headers } = scene
  const versionRules = { versions: new Map([['v1', {}]]), defaultVersion: {}, versionHeader: 'X-API-Version' }
  const tenantRules = { in: 'header', name: 'X-Org-Name', pattern: defaultNamePattern } as const
  const request = { params: {}, header: () => 'acme' }
  const rules = { perPrincipal: quota, concurrent: { perPrincipal: 16 } }
  const ask = admissionAsk(principal, tenant, rules, 1)
  const admission = {
    admitted: true,
    left: [{ name: 'principal', tokens: 59, nextMs: 1_000 }],
    release: () => undefined,
  } as const
  const known = Promise.resolve(principal)
  const query = { exportId: record.id, tenant }
  const tenancy = { mode: 'multi', findTenant: () => Promise.resolve(tenant) } as const
  const signal = new AbortController().signal
  const question = {
    method: 'GET',
    header: (name: string) => headers[name],
    record: checkRecord(record, query, 0, undefined),
    mediaTypes: { csv: 'text/csv; charset=utf-8' },
    now: Date.now(),
    multipleRanges: false,
    vary: 'X-Org-Name, X-API-Version',
    boundary: () => '',
  }
  const info = { size: 4_096, validator: '4096-1700000000000000000', lastModified: new Date(0) }
  const authorization = headers['authorization']
  return [
    { title: 'negotiate-version', call: () => negotiateVersion(undefined, versionRules, 0) },
    { title: 'authenticate, the verifier aside', call: () => authenticate(authorization, () => known) },
    { title: 'check-principal', call: () => checkPrincipal(principal) },
    { title: 'parse-export-id', call: () => parseExportId(record.id, { idParameter: 'exportId' }) },
    { title: 'parse-tenant-name', call: () => parseTenantName(request, tenantRules, true) },
    {
      title: 'resolve-tenant',
      call: () => resolveTenant('acme', principal, tenancy, (call) => call(signal)),
    },
    { title: 'authorize', call: () => authorize(principal, capability) },
    { title: 'admit: the question', call: () => admissionAsk(principal, tenant, rules, 1) },
    { title: 'admit: the header fields', call: () => admissionFields(ask, admission, false) },
    { title: 'check-record', call: () => checkRecord(record, query, 0, undefined) },
    { title: 'plan-delivery', call: () => planDelivery(question, info) },
    { title: 'plan-delivery: its ETag', call: () => objectEtag(undefined, info.validator) },
    {
      title: 'plan-delivery: its file name',
      call: () => formatAttachment(undefined, `export-${record.id}.csv`),
    },
    { title: 'ranges: one', call: () => rangesOf('bytes=0-1023') },
    { title: 'ranges: eight', call: () => rangesOf('bytes=0-1,4-5,8-9,12-13,16-17,20-21,24-25,28-29') },
  ]
}

const rangesOf = (value: string): unknown => resolveByteRanges(parseByteRanges(value) ?? [], 1_048_576)
