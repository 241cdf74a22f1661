/** A response as a client received it. */
export interface RecordedAnswer {
  readonly method: string
  /** The path of the request. A query is ignored. */
  readonly path: string
  readonly status: number
  /** The header fields. */
  readonly headers: Iterable<readonly [name: string, value: string]>
}

/** Compares the responses of a service with its OpenAPI description, in both directions. */
export interface AnswerRecorder {
  /** Records a response. A response to a path that the document does not have is ignored. */
  readonly record: (answer: RecordedAnswer) => void
  /** What was received and is not described: statuses, media types, header fields, and absent fields that must be there. */
  readonly undescribed: () => readonly string[]
  /** What is described and was not received. */
  readonly unseen: () => readonly string[]
}

/** Fields of the connection, which the server adds. `Content-Type` is compared as the media type. */
const ofConnection = new Set(['connection', 'content-type', 'date', 'keep-alive', 'transfer-encoding'])

/**
 * Creates a recorder for an OpenAPI document, made by `describeDocument` or merged with others. A method that a path does not have is
 * compared with the responses to OPTIONS.
 *
 * @param document - the document. Its references may point to `#/components/headers` only
 * @throws TypeError if the document has no paths
 */
export function createAnswerRecorder(document: object): AnswerRecorder {
  const operations = operationsOf(document)
  const undescribed = new Set<string>()
  const seen = new Set<string>()

  function record({ method, path: target, status, headers }: RecordedAnswer): void {
    const [path = ''] = target.split('?', 1)
    const ofPath = operations.filter(({ pattern }) => pattern.test(path))
    const operation =
      ofPath.find((one) => one.method === method) ?? ofPath.find((one) => one.method === 'OPTIONS')
    if (!operation) return
    const place = `${operation.method} ${operation.path} ${status}`
    const response = operation.responses.get(String(status))
    if (!response) {
      undescribed.add(place)
      return
    }
    seen.add(place)
    const fields = new Map([...headers].map(([name, value]) => [name.toLowerCase(), value]))
    for (const [name] of fields) {
      if (ofConnection.has(name)) continue
      if (response.fields.has(name)) seen.add(`${place} ${name}`)
      else undescribed.add(`${place} ${name}`)
    }
    for (const [name, isRequired] of response.fields)
      if (isRequired && !fields.has(name)) undescribed.add(`${place} without ${name}`)
    const type = mediaType(fields.get('content-type'))
    if (type === undefined || method === 'HEAD') return
    if (response.types.has(type)) seen.add(`${place} ${type}`)
    else undescribed.add(`${place} ${type}`)
  }

  const described = operations.flatMap(({ method, path, responses }) =>
    [...responses].flatMap(([status, { fields, types }]) =>
      ['', ...fields.keys(), ...types].map((name) => `${method} ${path} ${status} ${name}`.trimEnd()),
    ),
  )
  return {
    record,
    undescribed: () => [...undescribed].toSorted(),
    unseen: () => described.filter((one) => !seen.has(one)),
  }
}

interface Operation {
  readonly method: string
  readonly path: string
  readonly pattern: RegExp
  readonly responses: ReadonlyMap<string, DescribedResponse>
}

interface DescribedResponse {
  /** The header fields in lower case, and whether they must be there. */
  readonly fields: ReadonlyMap<string, boolean>
  readonly types: ReadonlySet<string>
}

const methods = ['get', 'head', 'options', 'post', 'put', 'patch', 'delete']

function operationsOf(document: object): readonly Operation[] {
  const paths = Object.entries(member(document, 'paths'))
  if (paths.length === 0) throw new TypeError('createAnswerRecorder: the document must have paths')
  return paths.flatMap(([path, item]) =>
    methods
      .filter((method) => isObject(item) && Object.hasOwn(item, method))
      .map((method) => {
        const responses = Object.entries(member(member(item, method), 'responses'))
        return {
          method: method.toUpperCase(),
          path,
          pattern: patternOf(path),
          responses: new Map(
            responses.map(([status, response]) => [status, describedResponse(response, document)]),
          ),
        }
      }),
  )
}

/** A parameter stands for one segment of the path. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{[^{}]+\}/g, '[^/]*')}$`)

const describedResponse = (response: unknown, document: object): DescribedResponse => ({
  fields: new Map(
    Object.entries(member(response, 'headers')).map(([name, field]) => [
      name.toLowerCase(),
      Reflect.get(resolved(field, document), 'required') === true,
    ]),
  ),
  types: new Set(Object.keys(member(response, 'content')).map((type) => mediaType(type) ?? '')),
})

/** Follows a reference to `#/components/headers/…`. */
function resolved(field: unknown, document: object): object {
  const reference: unknown = isObject(field) ? Reflect.get(field, '$ref') : undefined
  if (typeof reference !== 'string') return isObject(field) ? field : {}
  return member(
    member(member(document, 'components'), 'headers'),
    reference.replace('#/components/headers/', ''),
  )
}

/** The media type in lower case. The boundary of a multipart body is left out, because it is another one each time. */
const mediaType = (value: string | undefined): string | undefined =>
  value?.toLowerCase().replace(/^(multipart\/[^;]+);.*$/, '$1')

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A member that is an object. `{}`: there is none. */
function member(value: unknown, name: string): object {
  const found: unknown = isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined
  return isObject(found) ? found : {}
}
