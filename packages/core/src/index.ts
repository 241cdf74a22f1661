// For hosts.
export { codedErrors } from './error-formats/coded-errors.ts'
export { problemDetails } from './error-formats/problem-details.ts'
export { validationErrors } from './error-formats/validation-errors.ts'
export { createExportHandler } from './export-handler.ts'
export { createMemoryLimiter } from './limits/memory-limiter.ts'
export type { DeliveryOptions, ExportHandlerOptions, Limits, VersionOptions } from './options/options.ts'
export type {
  DownloadEnded,
  DownloadStarted,
  ExportEvent,
  Outcome,
  RequestEnded,
  TicketIssued,
  Trouble,
} from './events.ts'
export type { AskedId, ExportQuery, ExportRecord, FindExport, FoundId, RecordedObject } from './catalogue.ts'
export type {
  Caller,
  Claims,
  MultiTenancy,
  Principal,
  Quota,
  ReadClaims,
  SingleTenancy,
  Tenant,
  TokenVerifier,
  Admission,
  AdmissionAsk,
  ByteRange,
  ContentCoding,
  ExportStore,
  GetOptions,
  ObjectInfo,
  OpenObject,
  QuotaLeft,
  RateLimiter,
  StoreConnections,
  TroubleSource,
} from './ports.ts'
export type { Ticket, TicketGrant, Tickets, UsedTicket } from './ticket.ts'
export type {
  ErrorBodies,
  ErrorFormat,
  FieldRule,
  JsonObject,
  JsonValue,
  Refusal,
  InvalidField,
  RefusalKind,
  TroubleCode,
  TroublePort,
} from './refusals.ts'
export type {
  ExportHandler,
  RunningDownload,
  ExportBody,
  ExportRequest,
  ExportResponse,
  IssuedTicket,
  WantedTicket,
} from './request-response.ts'
export { refuse } from './refusals.ts'
export { createBearerVerifier } from './verifiers/bearer-verifier.ts'
export type { BearerVerifierOptions } from './verifiers/bearer-verifier.ts'
export type { IntrospectionVerifierOptions } from './verifiers/introspection-options.ts'
export { createIntrospectionVerifier } from './verifiers/introspection-verifier.ts'
export type { JwtVerifierOptions } from './verifiers/jwt-options.ts'
export { createJwtVerifier } from './verifiers/jwt-verifier.ts'
export type { TicketKey, TicketOptions } from './verifiers/ticket-options.ts'
export { createTickets } from './verifiers/tickets.ts'

// ── For authors of adapters, stores and limiters, and of packages that wrap a handler. ───────────────────────────────
export { checkHandlerOptions } from './options/check-handler-options.ts'
export { refusalKindOf } from './refusals.ts'
export { toReadableStream } from './delivery/readable-stream.ts'
export { checkHandler, checkTicketHandler } from './options/check-handler.ts'
export { serveNode } from './node/serve-node.ts'
export { createBreaker } from './breaker.ts'
export type { Breaker, BreakerOptions, CallOutcome } from './breaker.ts'
export { abortable, DeadlineError, startTimer, withDeadline } from './waiting.ts'
export type { Deadline } from './waiting.ts'
