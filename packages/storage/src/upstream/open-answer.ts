import { Readable } from 'node:stream'

import type { OpenObject } from '@sallyport/core'

import { refuseFault } from './fault.ts'
import { type Answer, type Asked, describeObject } from './object-answer.ts'
import { openBody, type JudgeBody } from './open-body.ts'
import type { Held } from './upstream.ts'

/** The object that an answer opens. A body whose head is wrong is closed at once, and with it its connection. */
export function openAnswer(
  { release }: Held<unknown>,
  stream: unknown,
  answer: Answer,
  asked: Asked,
  judgeBody?: JudgeBody,
): OpenObject {
  if (!(stream instanceof Readable)) {
    release()
    return refuseFault('upstream_error', { word: 'no_body' })
  }
  const body = openBody(stream, release, judgeBody)
  try {
    return { info: describeObject(answer, asked), ...body }
  } catch (error) {
    body.close()
    throw error
  }
}
