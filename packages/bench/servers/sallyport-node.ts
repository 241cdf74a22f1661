import { serveNode } from '@sallyport/core'

import { handler } from './guard.ts'
import { listen } from './listen.ts'

const path = /^\/exports\/([^/]+)\/download$/

listen((request, response) => {
  const [, exportId] = path.exec(request.url ?? '') ?? []
  void serveNode(handler, request, response, { params: { exportId } })
})
