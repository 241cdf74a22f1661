import { describe } from 'vitest'

import { type Behaviour, testOptions } from '../../../../scripts/test-options.ts'
import { describeDocument, type DocumentDescription } from '../../src/openapi/describe-document.ts'
import { describeExport } from '../../src/openapi/describe-export.ts'
import type { ExportDescription } from '../../src/openapi/description.ts'
import { soundOptions } from '../handler/scene.ts'
import { path } from './described-handlers.ts'

const sound: ExportDescription = { path }

/** Something of the download's GET, or of the components. */
function see(
  look: (get: Record<string, unknown>, described: ReturnType<typeof describeExport>) => unknown,
  always: Partial<ExportDescription> = {},
): Behaviour<ExportDescription>['see'] {
  return async (changes) => {
    const described = describeExport(soundOptions(), { ...sound, ...always, ...changes })
    const [item = {}] = Object.values(described.paths)
    return look(item['get'] as Record<string, unknown>, described)
  }
}

interface Get {
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, object>> }>>
}
const typesOf = (get: unknown): readonly string[] => Object.keys((get as Get).responses['200']?.content ?? {})

describe('describeExport', () => {
  testOptions<ExportDescription>({
    name: 'describeExport',
    create: (description) => describeExport(soundOptions(), description),
    sound,
    behaviours: {
      path: {
        see: see((_, { paths }) => Object.keys(paths)),
        before: [path],
        after: [[{ path: '/v1/{exportId}/download' }, ['/v1/{exportId}/download']]],
      },
      openapi: {
        see: async (changes) =>
          describeDocument(soundOptions(), { ...sound, info: { title: 'x', version: '1' }, ...changes })
            .openapi,
        before: '3.1.1',
        after: [[{ openapi: '3.2' }, '3.2.0']],
      },
      servers: {
        see: see((_, { paths }) => paths[path]?.['servers']),
        before: undefined,
        after: [[{ servers: [{ url: 'https://a.test' }] }, [{ url: 'https://a.test' }]]],
      },
      formats: {
        see: see(typesOf),
        before: [
          'application/jsonl',
          'text/csv; charset=utf-8',
          'application/json',
          'application/gzip',
          'application/octet-stream',
        ],
        after: [[{ formats: ['json', 'odd'] }, ['application/json', 'application/octet-stream']]],
      },
      encodings: {
        see: see(typesOf, { formats: ['json'] }),
        before: ['application/json'],
        after: [[{ encodings: ['zstd'] }, ['application/json', 'application/zstd']]],
      },
      itemSchema: {
        see: see((get) => (get as unknown as Get).responses['200']?.content['application/jsonl'], {
          openapi: '3.2',
        }),
        before: { schema: { type: 'string', format: 'binary' } },
        after: [
          [
            { itemSchema: { type: 'object' } },
            { schema: { type: 'string', format: 'binary' }, itemSchema: { type: 'object' } },
          ],
        ],
      },
      securityName: {
        see: see((get) => get['security']),
        before: [{ ExportBearer: [] }],
        after: [[{ securityName: 'token' }, [{ token: [] }]]],
      },
      prefix: {
        see: see((_, { components }) => Object.keys(components.schemas)),
        before: ['ExportProblemDetails'],
        after: [[{ prefix: '' }, ['ProblemDetails']]],
      },
      operationId: {
        see: see((get) => get['operationId']),
        before: 'downloadExport',
        after: [[{ operationId: 'fetchIt' }, 'fetchIt']],
      },
      tags: {
        see: see((get) => get['tags']),
        before: undefined,
        after: [[{ tags: ['exports'] }, ['exports']]],
      },
    },
  })
})

describe('describeDocument', () => {
  const info = { title: 'Exports', version: '1' }
  testOptions<DocumentDescription>({
    name: 'describeDocument',
    create: (description) => describeDocument(soundOptions(), description),
    sound: { ...sound, info },
    behaviours: {
      info: {
        see: async (changes) => describeDocument(soundOptions(), { ...sound, info, ...changes }).info,
        before: info,
        after: [[{ info: { title: 'Others', version: '2' } }, { title: 'Others', version: '2' }]],
      },
    },
  })
})
