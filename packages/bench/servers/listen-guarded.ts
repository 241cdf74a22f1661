import { type ExportHandler, serveNode } from '@sallyport/core'

import { listenAny } from './listen.ts'

const path = /^\/exports\/([^/]+)\/download$/

/** A guard on node:http. */
export function listenGuarded(handler: ExportHandler): void {
  listenAny((request, response) => {
    const [, exportId] = path.exec(request.url ?? '') ?? []
    void serveNode(handler, request, response, { params: { exportId } })
  })
}
