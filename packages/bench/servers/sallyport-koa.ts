import { Router } from '@koa/router'
import { exportDownload } from '@sallyport/koa-adapter'
import Koa from 'koa'

import { handler } from './guard.ts'
import { listen } from './listen.ts'

const router = new Router()
router.all('/exports/:exportId/download', exportDownload(handler))
const serve = new Koa().use(router.routes()).callback()
listen((request, response) => void serve(request, response))
