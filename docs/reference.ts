import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

import ts from 'typescript'

import { entryPoints } from '../scripts/entry-points.ts'

/**
 * docs/reference.md: every public name, from the sources. Written by `pnpm docs:reference`; `pnpm check:docs` fails
 * while the file differs from it.
 */

/** Names of `@sallyport/core` by topic, in reading order. Names in no topic come last. */
const topics: readonly (readonly [heading: string, names: readonly string[]])[] = [
  [
    'Options of the handler',
    ['createExportHandler', 'ExportHandlerOptions', 'VersionOptions', 'Limits', 'Quota', 'DeliveryOptions'],
  ],
  ['The handler', ['ExportHandler', 'RunningDownload']],
  ['Tenancy', ['MultiTenancy', 'SingleTenancy', 'Tenant']],
  [
    'Catalogue: query and record',
    [
      'FindExport',
      'ExportQuery',
      'ExportRecord',
      'RecordedObject',
      'ObjectInfo',
      'ContentCoding',
      'AskedId',
      'FoundId',
    ],
  ],
  [
    'Tokens: verifiers and principal',
    [
      'createJwtVerifier',
      'JwtVerifierOptions',
      'createIntrospectionVerifier',
      'IntrospectionVerifierOptions',
      'createBearerVerifier',
      'BearerVerifierOptions',
      'TokenVerifier',
      'Principal',
      'Claims',
      'ReadClaims',
      'Caller',
    ],
  ],
  [
    'Tickets for links in browsers',
    ['createTickets', 'TicketOptions', 'TicketKey', 'Tickets', 'TicketGrant', 'Ticket', 'UsedTicket'],
  ],
  [
    'Events and audit',
    [
      'ExportEvent',
      'DownloadStarted',
      'DownloadEnded',
      'RequestEnded',
      'TicketIssued',
      'Trouble',
      'Outcome',
      'TroublePort',
      'TroubleCode',
      'TroubleSource',
    ],
  ],
  [
    'Refusals and error formats',
    [
      'refuse',
      'RefusalKind',
      'problemDetails',
      'validationErrors',
      'codedErrors',
      'ErrorFormat',
      'Refusal',
      'InvalidField',
      'FieldRule',
    ],
  ],
  ['Stores', ['ExportStore', 'GetOptions', 'OpenObject', 'ByteRange', 'StoreConnections']],
  ['Limiters', ['createMemoryLimiter', 'RateLimiter', 'AdmissionAsk', 'Admission', 'QuotaLeft']],
  [
    'Requests and responses, for adapters',
    [
      'serveNode',
      'checkHandler',
      'checkTicketHandler',
      'ExportRequest',
      'ExportResponse',
      'ExportBody',
      'toReadableStream',
    ],
  ],
]

const introduction = `# Reference

Every public name, written from the sources by \`pnpm docs:reference\`. Do not edit this page: edit the docstrings.
Defaults, and when to change them, are in [options.md](options.md); trouble codes and outcomes in [events.md](events.md);
what clients receive in [callers.md](callers.md).
`

/** The text of docs/reference.md for the sources in `root`. */
export function referenceText(root: string): string {
  const entries = entryPoints(root)
  const program = ts.createProgram({
    rootNames: entries.map(({ file }) => file),
    options: { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2024, strict: true, types: [] },
    host: onlySources(root),
  })
  const checker = program.getTypeChecker()
  const shown = entries.map(({ name, file }) => {
    const source = program.getSourceFile(file)
    const symbol = source && checker.getSymbolAtLocation(source)
    if (!symbol) throw new Error(`${relative(root, file)} exports nothing`)
    const exported = checker.getExportsOfModule(symbol).map((one) => original(one, checker))
    return { name, exported }
  })
  const core = shown.find(({ name }) => name === '@sallyport/core')?.exported ?? []
  const placed = new Set(topics.flatMap(([, names]) => names))
  const missing = [...placed].filter((name) => !core.some((symbol) => symbol.name === name))
  if (missing.length > 0)
    throw new Error(`docs/reference.ts names what core does not export: ${missing.join(', ')}`)
  const sections = [
    ...topics.map(([heading, names]) => ({
      heading,
      symbols: names.flatMap((name) => core.filter((symbol) => symbol.name === name)),
    })),
    { heading: 'Further names of @sallyport/core', symbols: core.filter(({ name }) => !placed.has(name)) },
    ...shown
      .filter(({ name }) => name !== '@sallyport/core')
      .map(({ name, exported }) => ({ heading: name, symbols: exported })),
  ]
  return [
    introduction,
    ...sections.map(
      ({ heading, symbols }) =>
        `## ${heading}\n\n${symbols.map((symbol) => describe(symbol, checker)).join('\n')}`,
    ),
    `## Response headers\n\n${responseHeaders(root)}`,
  ].join('\n')
}

/** The table of callers.md, which a test compares with what the handler sends. */
function responseHeaders(root: string): string {
  const [, table] =
    /\n## Response headers\n+(\|.*\|\n)/s.exec(readFileSync(join(root, 'docs/callers.md'), 'utf8')) ?? []
  if (table === undefined) throw new Error('docs/callers.md has no table of response headers')
  return table
}

/** Third-party types are shown by their names, so their files are not read: that takes most of the time. */
function onlySources(root: string): ts.CompilerHost {
  const options = { module: ts.ModuleKind.NodeNext, customConditions: ['@sallyport/source'] }
  const host = ts.createCompilerHost(options)
  const own = new Map(entryPoints(root).map(({ name, file }) => [name, file]))
  return {
    ...host,
    resolveModuleNameLiterals: (literals, containing) =>
      literals.map(({ text }) => {
        const file = text.startsWith('.') ? join(containing, '..', text) : own.get(text)
        const found = file === undefined ? undefined : { resolvedFileName: file, extension: ts.Extension.Ts }
        return { resolvedModule: found }
      }),
  }
}

const original = (symbol: ts.Symbol, checker: ts.TypeChecker): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol

function describe(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const [declaration] = symbol.declarations ?? []
  if (!declaration) throw new Error(`${symbol.name} is declared nowhere`)
  const about = docsOf(symbol, checker)
  const parts = [
    `### ${symbol.name}\n`,
    about.text && `${about.text}\n`,
    ts.isInterfaceDeclaration(declaration)
      ? membersOf(declaration, checker)
      : `${fenced(headOf(declaration))}\n`,
    about.parameters.map((line) => `- ${line}\n`).join(''),
    about.notes.map((note) => `${note}\n`).join('\n'),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

const fenced = (code: string): string => `\`\`\`typescript\n${code}\n\`\`\``

/** A declaration without its body. */
function headOf(declaration: ts.Declaration): string {
  const text = (node: ts.Node): string => node.getText()
  if (ts.isFunctionDeclaration(declaration) && declaration.body)
    return text(declaration).slice(0, -text(declaration.body).length).trim().replace('export ', '')
  if (ts.isVariableDeclaration(declaration)) {
    const { name, type, initializer } = declaration
    if (initializer && ts.isArrowFunction(initializer))
      return `const ${name.getText()}: ${text(initializer).split(/ =>\n? /)[0]} => …`.replace(
        /\): (.*) => …$/s,
        ') => $1',
      )
    return `const ${name.getText()}${type ? `: ${type.getText()}` : ''}`
  }
  if (ts.isClassDeclaration(declaration))
    return `class ${declaration.name?.text} ${declaration.heritageClauses?.map((one) => one.getText()).join(' ')}`
  return text(declaration).replace('export ', '')
}

/** The table of an interface, with the members that it inherits. */
function membersOf(declaration: ts.InterfaceDeclaration, checker: ts.TypeChecker): string {
  // The name of [Symbol.asyncIterator] begins so. Its interface is named below the table.
  const members = checker
    .getTypeAtLocation(declaration)
    .getProperties()
    .filter(({ name }) => !name.startsWith('__@'))
  const rows = members.flatMap((member) => rowsOf(member, '', checker))
  const table = [['member', 'type', 'meaning'], ['---', '---', '---'], ...rows]
  const iterable = declaration.heritageClauses
    ?.map((one) => one.getText())
    .find((text) => /Iterable</.test(text))
  const note = iterable === undefined ? '' : `\nIt \`${iterable}\`.\n`
  return `${table.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n${note}`
}

/** A row for a member, and one for each member of an object that is written in its type. */
function rowsOf(
  member: ts.Symbol,
  within: string,
  checker: ts.TypeChecker,
): readonly (readonly [name: string, type: string, meaning: string])[] {
  const about = docsOf(member, checker)
  const meaning = [about.text, ...about.parameters, ...about.notes].filter((part) => part !== '')
  const name = `${within}${member.name}`
  const optional = member.flags & ts.SymbolFlags.Optional ? '?' : ''
  const [declaration] = member.declarations ?? []
  const { type, inner, isList } = typeOf(declaration)
  const [path, nested] = [`${name}${isList ? '[]' : ''}.`, inner?.members ?? []]
  return [
    [`\`${name}${optional}\``, type === '' ? '' : `\`${type}\``, cell(meaning.join(' '))],
    ...nested.flatMap((one) => {
      const symbol = one.name && checker.getSymbolAtLocation(one.name)
      return symbol ? rowsOf(symbol, path, checker) : []
    }),
  ]
}

interface ShownType {
  readonly type: string
  /** The object that the type is written as, or a list of it. Absent: the type is no such object. */
  readonly inner?: ts.TypeLiteralNode
  readonly isList?: boolean
}

function typeOf(declaration: ts.Declaration | undefined): ShownType {
  if (!declaration) return { type: '' }
  if (ts.isMethodSignature(declaration)) {
    const parameters = declaration.parameters.map((one) => inline(one)).join(', ')
    return { type: `(${parameters}) => ${declaration.type ? inline(declaration.type) : 'void'}` }
  }
  if (!ts.isPropertySignature(declaration) || !declaration.type) return { type: '' }
  const type = ts.isTypeOperatorNode(declaration.type) ? declaration.type.type : declaration.type
  const isList = ts.isArrayTypeNode(type)
  const element = isList ? type.elementType : type
  if (ts.isTypeLiteralNode(element)) return { type: isList ? 'object[]' : 'object', inner: element, isList }
  return { type: inline(declaration.type) }
}

const printer = ts.createPrinter({ removeComments: true })

/** A node on one line, for a cell of a table. */
const inline = (node: ts.Node): string =>
  printer
    .printNode(ts.EmitHint.Unspecified, node, node.getSourceFile())
    .replaceAll('readonly ', '')
    .replaceAll(/;?\s*\n\s*\}/g, ' }')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('|', '\\|')
    .trim()

const cell = (text: string): string =>
  text
    .replaceAll(/\n(?=- )/g, '<br>')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')

interface Docs {
  readonly text: string
  /** `` `name`: what it is ``, for each parameter. */
  readonly parameters: readonly string[]
  readonly notes: readonly string[]
}

const labels: Readonly<Record<string, string>> = {
  returns: 'Returns',
  throws: 'Throws',
  defaultValue: 'Default:',
}

function docsOf(symbol: ts.Symbol, checker: ts.TypeChecker): Docs {
  const text = plain(ts.displayPartsToString(symbol.getDocumentationComment(checker)))
  const tags = symbol.getJsDocTags(checker).map(({ name, text: parts }) => ({
    name,
    code: ts.displayPartsToString(parts),
    text: plain(ts.displayPartsToString(parts)),
  }))
  const parameters = tags
    .filter(({ name }) => name === 'param')
    .map((tag) => tag.text.replace(/^(\w+) (?:- )?/, '`$1`: '))
  const notes = tags.flatMap((tag) => {
    if (tag.name === 'example') return [fenced(tag.code)]
    const label = labels[tag.name]
    if (label === undefined) return []
    const value = tag.name === 'defaultValue' && /^[^\s`]+$/.test(tag.text) ? `\`${tag.text}\`` : tag.text
    return [`${label} ${value}.`.replace(/\.\.$/, '.')]
  })
  return { text, parameters, notes }
}

/** Joins the lines of a paragraph, and writes `name` for `{@link name}`. */
const plain = (text: string): string =>
  text.replaceAll(/\{@link (\w+)\}/g, '`$1`').replaceAll(/\n(?!\n|- |```|\s)(?<!\n\n)/g, ' ')
