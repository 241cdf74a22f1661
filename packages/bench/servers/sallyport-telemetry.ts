import { createObservedExportHandler } from '@sallyport/telemetry'

import { guardOptions } from './guard.ts'
import { listenGuarded } from './listen-guarded.ts'
import { startSdk } from './telemetry-sdk.ts'

listenGuarded(createObservedExportHandler(guardOptions(), startSdk()))
