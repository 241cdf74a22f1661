import { Router } from '@koa/router'
import { exportDownload } from '@sallyport/koa-adapter'
import Koa from 'koa'

import { createGuard } from './guard.ts'
import { listen } from './listen.ts'

const router = new Router()
router.all('/exports/:exportId/download', exportDownload(createGuard()))
const serve = new Koa().use(router.routes()).callback()
listen((request, response) => void serve(request, response))
