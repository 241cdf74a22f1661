// The usual parts on Koa, with koa-send for files.
import send from 'koa-send'

import { readSettings } from '../src/settings.ts'
import { listenKoaStack } from './koa-guard.ts'

const { root } = readSettings()

listenKoaStack((ctx, key) => send(ctx, key, { root }))
