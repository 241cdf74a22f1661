import { createGuard } from './guard.ts'
import { listenGuarded } from './listen-guarded.ts'

listenGuarded(createGuard())
