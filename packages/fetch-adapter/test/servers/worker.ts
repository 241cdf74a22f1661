import { createService, type Service } from './service.ts'

declare const addEventListener: (
  type: 'unhandledrejection',
  listener: (event: { readonly reason: unknown }) => void,
) => void

// Made by the first request, because a Worker may not start timers before.
let service: Service | undefined
addEventListener('unhandledrejection', ({ reason }) => service?.unhandled(reason))
export default {
  fetch: (request: Request): Promise<Response> => (service ??= createService()).fetch(request),
}
