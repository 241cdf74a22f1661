import { validationErrors } from '../../src/error-formats/validation-errors.ts'
import type { Answer } from './ask.ts'
import { openScene, type Scene, type SceneOptions } from './scene.ts'

/** Published contract A, as a host writes it. */
export function openContractA({
  detail = 'brief',
  ...changes
}: SceneOptions & { detail?: 'brief' | 'full' } = {}): Promise<Scene> {
  const version = { errors: validationErrors({ detail }), mediaTypes: { jsonl: 'application/json' } }
  return openScene({
    idParameter: 'job_id',
    versions: { v1: version, v2: version },
    server: { parameter: 'job_id' },
    ...changes,
  })
}

/** A refusal as it was seen. */
export const seen = ({ status, field, body, whole }: Answer): object => ({
  status,
  type: field('content-type'),
  body: JSON.parse(body) as unknown,
  whole,
})

/** A refusal as the contract has it. */
export const refused = (status: number, detail: unknown): object => ({
  status,
  type: 'application/json',
  body: { detail },
  whole: true,
})
