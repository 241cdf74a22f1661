import type { Check } from '../check.ts'
import { authentication } from './authentication.ts'
import { browserSafety } from './browser-safety.ts'
import { conditionals } from './conditionals.ts'
import { encodings } from './encodings.ts'
import { framing } from './framing.ts'
import { ifRange } from './if-range.ts'
import { integrity } from './integrity.ts'
import { limits } from './limits.ts'
import { methods } from './methods.ts'
import { naming } from './naming.ts'
import { protocols } from './protocols.ts'
import { proxies } from './proxies.ts'
import { ranges } from './ranges.ts'
import { refusals } from './refusals.ts'
import { validators } from './validators.ts'

/** All checks, in the order of the report. A check comes after those that it names in `after`. */
export const checks: readonly Check[] = [
  ...framing,
  ...validators,
  ...ranges,
  ...ifRange,
  ...conditionals,
  ...encodings,
  ...integrity,
  ...naming,
  ...browserSafety,
  ...authentication,
  ...refusals,
  ...limits,
  ...methods,
  ...proxies,
  ...protocols,
]
