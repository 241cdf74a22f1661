import { createService } from './service.ts'

declare const Deno: {
  serve(
    options: { readonly port: number; readonly hostname: string; onListen(at: { port: number }): void },
    fetch: (request: Request) => Promise<Response>,
  ): unknown
}
declare const addEventListener: (
  type: 'unhandledrejection',
  listener: (event: { readonly reason: unknown; preventDefault(): void }) => void,
) => void

const service = createService()
addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  service.unhandled(event.reason)
})
Deno.serve({ port: 0, hostname: '127.0.0.1', onListen: ({ port }) => console.log(port) }, service.fetch)
