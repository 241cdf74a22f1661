// For hosts.
export { codedErrors } from './error-formats/coded-errors.ts'
export { problemDetails } from './error-formats/problem-details.ts'
export { validationErrors } from './error-formats/validation-errors.ts'
export { createExportHandler } from './export-handler.ts'
export { createMemoryLimiter } from './limits/memory-limiter.ts'
export type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from './options/options.ts'
export type {
  Caller,
  AskedId,
  Claims,
  DownloadEnded,
  DownloadStarted,
  ErrorFormat,
  ExportEvent,
  ExportHandler,
  ExportQuery,
  ExportRecord,
  FindExport,
  FoundId,
  MultiTenancy,
  Outcome,
  Principal,
  Quota,
  ReadClaims,
  Refusal,
  RunningDownload,
  SingleTenancy,
  Tenant,
  TokenVerifier,
  Trouble,
} from './ports.ts'
export { refuse } from './refusals.ts'
export type { InvalidField, RefusalKind, TroubleCode, TroublePort } from './refusals.ts'
export { createBearerVerifier } from './verifiers/bearer-verifier.ts'
export type { BearerVerifierOptions } from './verifiers/bearer-verifier.ts'
export type { IntrospectionVerifierOptions } from './verifiers/introspection-options.ts'
export { createIntrospectionVerifier } from './verifiers/introspection-verifier.ts'
export type { JwtVerifierOptions } from './verifiers/jwt-options.ts'
export { createJwtVerifier } from './verifiers/jwt-verifier.ts'

// ── For authors of adapters, stores and limiters. ────────────────────────────────────────────────────────────────
export { toReadableStream } from './delivery/readable-stream.ts'
export type {
  Admission,
  AdmissionAsk,
  ByteRange,
  ExportBody,
  ExportRequest,
  ExportResponse,
  ExportStore,
  GetOptions,
  ObjectInfo,
  OpenObject,
  QuotaLeft,
  RateLimiter,
  StoreConnections,
  TroubleSource,
} from './ports.ts'
export { checkHandler } from './options/check-handler.ts'
export { serveNode } from './node/serve-node.ts'
export { abortable, DeadlineError, withDeadline } from './waiting.ts'
export type { Deadline } from './waiting.ts'
