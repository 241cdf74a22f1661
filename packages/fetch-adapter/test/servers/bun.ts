import { createService } from './service.ts'

declare const Bun: {
  serve(options: {
    readonly fetch: (request: Request) => Promise<Response>
    readonly port: number
    readonly hostname: string
  }): { readonly port: number }
}

const service = createService('allow')
process.on('unhandledRejection', service.unhandled)
console.log(Bun.serve({ fetch: service.fetch, port: 0, hostname: '127.0.0.1' }).port)
