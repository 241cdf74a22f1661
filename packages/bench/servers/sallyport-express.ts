import { exportDownload } from '@sallyport/express-adapter'
import express from 'express'

import { createGuard } from './guard.ts'
import { listen } from './listen.ts'

const app = express()
app.all('/exports/:exportId/download', exportDownload(createGuard()))
listen((request, response) => void app(request, response))
