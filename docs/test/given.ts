/** What a block may take for granted, as a reader has it from the page before: a declaration for each name. */
export const given: Readonly<Record<string, string>> = {
  AppModule: 'declare const AppModule: new () => object',
  Bun: 'declare const Bun: { serve(options: { routes: Record<string, (request: Request & { params: Record<string, string> }) => Promise<Response>> }): unknown }',
  Deno: 'declare const Deno: { serve(fetch: (request: Request) => Response | Promise<Response>): unknown }; declare const URLPattern: new (given: { pathname: string }) => { test(url: string): boolean; exec(url: string): { pathname: { groups: Record<string, string | undefined> } } | null }',
  app: "declare const app: ReturnType<typeof import('express')>",
  catalogue:
    "declare const catalogue: { find(tenantId: string, id: string, signal?: AbortSignal): Promise<import('@sallyport/core').ExportRecord | undefined> }",
  clientSecret: 'declare const clientSecret: string',
  createApp:
    "declare const createApp: (parts: Pick<import('@sallyport/core').ExportHandlerOptions, 'verifier' | 'store' | 'delivery' | 'onEvent'>) => import('express').Express",
  createHandler: "declare const createHandler: (env: unknown) => import('@sallyport/core').ExportHandler",
  database:
    "declare const database: { query(sql: string, values: readonly string[], signal: AbortSignal): Promise<readonly { id: string; tenant_id: string; key: string; format: string; state: 'ready' | 'pending' | 'failed' }[]> }",
  document: 'declare const document: object',
  download: 'declare const download: (url: string) => Promise<Response>',
  findTenant:
    "declare const findTenant: (name: string) => Promise<import('@sallyport/core').Tenant | undefined>",
  handler: "declare const handler: import('@sallyport/core').ExportHandler",
  isCustomer: 'declare const isCustomer: (directory: string | undefined) => boolean',
  members:
    "declare const members: { find(name: string, subject: string, signal: AbortSignal): Promise<(import('@sallyport/core').Tenant & { readonly isMember: boolean }) | undefined> }",
  options: "declare const options: import('@sallyport/core').ExportHandlerOptions",
  page: 'declare const accessToken: string, organization: string, location: { assign(url: string): void }',
  pager: 'declare const pager: { page(what: string): void; count(what: string, times?: number): void }',
  revocations:
    'declare const revocations: { onEvent(listener: (event: { issuer: string; subject: string }) => void): void }',
  sdk: 'declare const sdk: { shutdown(): Promise<void> }',
  secret: 'declare const secret: string',
  server: "declare const server: import('node:http').Server",
  session:
    "declare const session: { readonly principal: import('@sallyport/core').Principal; readonly exportId: string }",
  start:
    "declare const start: (context: import('node:test').TestContext, parts: Partial<import('@sallyport/core').ExportHandlerOptions>) => Promise<string>",
  store: "declare const store: import('@sallyport/core').ExportStore",
  table:
    'declare const table: { find(key: string): Promise<{ size: number; revision: string } | undefined>; read(key: string, revision: string | undefined, from: number, to: number, signal: AbortSignal): Promise<Uint8Array | undefined> }',
  testFile:
    "import assert from 'node:assert/strict'\nimport { test } from 'node:test'\nimport { createMemoryStore } from '@sallyport/core/testing'",
  url: 'declare const url: string',
}
