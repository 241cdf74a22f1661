import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createExportHandler,
  type ExportRecord,
  type ExportStore,
  serveNode,
} from '../packages/core/src/index.ts'
import { positionCoded } from '../packages/core/src/testing/position-coded.ts'
import { freePort, startDaemon, until } from './servers/daemon.ts'

/**
 * Measures which HTTP clients notice that a download was cut: `node --conditions=@sallyport/source scripts/measure-cuts.ts [--install]`.
 * Prints the table of docs/clients.md.
 *
 * Each client downloads 4 MiB, of which the server sends 1 MiB before it cuts the connection. A client notices if its
 * process ends with another status than 0. Retries of the client are off. A client that is not on this machine is left
 * out, with its Debian package as the reason; `--install` installs them all first (as root).
 */

const size = 4_194_304
const cutAt = 1_048_576
const row: ExportRecord = {
  id: '0f0e0d0c-0b0a-4908-8706-050403020100',
  tenantId: 'acme',
  key: 'k',
  format: 'jsonl',
  state: 'ready',
}
const deadlineMs = 60_000

/** How to run a client. `file`: its program is written to a file of this name; `command` may refer to it as `FILE`. */
interface Client {
  readonly name: string
  readonly packages: readonly string[]
  /** A command that prints the version. The first number is taken. */
  readonly version: readonly string[]
  readonly file?: readonly [name: string, text: string]
  /** `URL`, `OUT` (the path for the download), `CA` (certificates in PEM), `STORE` (the same for Java) and `FILE` are replaced. */
  readonly command: readonly string[]
}

const python = (name: string, imports: string, body: string): Client => ({
  name,
  packages: ['python3', 'python3-requests'],
  version: name.includes('requests')
    ? ['/usr/bin/python3', '-c', 'import requests; print(requests.__version__)']
    : ['/usr/bin/python3', '--version'],
  file: ['client.py', `import ssl, sys\n${imports}\nurl, out, ca = sys.argv[1:]\n${body}\n`],
  command: ['/usr/bin/python3', 'FILE', 'URL', 'OUT', 'CA'],
})
const urllib = `request = urllib.request.Request(url, headers={'Authorization': 'Bearer token', **EXTRA})
response = urllib.request.urlopen(request, context=ssl.create_default_context(cafile=ca) if url.startswith('https') else None)`
const requests = `response = requests.get(url, headers={'Authorization': 'Bearer token', **EXTRA}, verify=ca, stream=True)`
const ruby = (name: string, body: string): Client => ({
  name,
  packages: ['ruby'],
  version: ['ruby', '--version'],
  file: [
    'client.rb',
    `url, out, ca = ARGV\nheaders = { 'Authorization' => 'Bearer token' }.merge(EXTRA)\n${body}\n`,
  ],
  command: ['ruby', 'FILE', 'URL', 'OUT', 'CA'],
})
const java = (name: string, body: string): Client => ({
  name,
  packages: ['default-jdk-headless'],
  version: ['java', '--version'],
  file: [
    'Client.java',
    `import java.net.*; import java.net.http.*; import java.nio.file.*;
class Client { public static void main(String[] args) throws Exception { URI url = URI.create(args[0]); Path out = Path.of(args[1]); ${body} } }`,
  ],
  command: [
    'java',
    '-Djavax.net.ssl.trustStore=STORE',
    '-Djavax.net.ssl.trustStorePassword=changeit',
    '-Dsun.net.http.allowRestrictedHeaders=true', // Sec-Fetch-Mode
    'FILE',
    'URL',
    'OUT',
  ],
})
const php = (name: string, body: string): Client => ({
  name,
  packages: ['php-cli'],
  version: ['php', '--version'],
  file: [
    'client.php',
    `<?php [, $url, $out, $ca] = $argv;
$context = stream_context_create(['http' => ['header' => ["Authorization: Bearer token", ...EXTRA]], 'ssl' => ['cafile' => $ca]]);
exit((${body}) === false ? 1 : 0);`,
  ],
  command: ['php', 'FILE', 'URL', 'OUT', 'CA'],
})

const auth = 'Authorization: Bearer token'
const clients: readonly Client[] = [
  {
    name: 'curl',
    packages: ['curl'],
    version: ['curl', '--version'],
    command: ['curl', '-s', '-f', '-H', auth, '-H', 'EXTRA', '--cacert', 'CA', '-o', 'OUT', 'URL'],
  },
  ...['wget', 'wget2'].map((name): Client => ({
    name,
    packages: [name],
    version: [name, '--version'],
    command: [
      name,
      '-q',
      '--tries=1',
      `--header=${auth}`,
      '--header=EXTRA',
      '--ca-certificate=CA',
      '-O',
      'OUT',
      'URL',
    ],
  })),
  {
    name: 'aria2',
    packages: ['aria2'],
    version: ['aria2c', '--version'],
    command: [
      'aria2c',
      '-q',
      '--max-tries=1',
      '--dir=/',
      `--header=${auth}`,
      '--header=EXTRA',
      '--ca-certificate=CA',
      '--out=OUT',
      'URL',
    ],
  },
  python(
    'Python urllib, `read()`',
    'import urllib.request',
    `${urllib}\nopen(out, 'wb').write(response.read())`,
  ),
  python(
    'Python urllib, `shutil.copyfileobj`',
    'import shutil, urllib.request',
    `${urllib}\nshutil.copyfileobj(response, open(out, 'wb'))`,
  ),
  python(
    'Python requests, `content`',
    'import requests',
    `${requests}\nopen(out, 'wb').write(response.content)`,
  ),
  python(
    'Python requests, `iter_content`',
    'import requests',
    `${requests}\nf = open(out, 'wb')\nfor chunk in response.iter_content(65536): f.write(chunk)`,
  ),
  ruby(
    'Ruby Net::HTTP',
    `require 'net/http'
uri = URI(url)
Net::HTTP.start(uri.host, uri.port, use_ssl: uri.scheme == 'https', ca_file: ca, max_retries: 0) do |http|
  http.request_get(uri.path, headers) { |response| File.open(out, 'wb') { |f| response.read_body { |part| f.write(part) } } }
end`,
  ),
  ruby(
    'Ruby open-uri',
    `require 'open-uri'
URI.open(url, headers.merge(ssl_ca_cert: ca)) { |response| IO.copy_stream(response, out) }`,
  ),
  java(
    'Java HttpURLConnection',
    `var c = (HttpURLConnection) url.toURL().openConnection(); c.setRequestProperty("Authorization", "Bearer token"); EXTRA try (var in = c.getInputStream()) { Files.copy(in, out); }`,
  ),
  java(
    'Java HttpClient',
    `var b = HttpRequest.newBuilder(url).header("Authorization", "Bearer token"); EXTRA HttpClient.newHttpClient().send(b.build(), HttpResponse.BodyHandlers.ofFile(out));`,
  ),
  {
    name: 'Go net/http',
    packages: ['golang-go'],
    version: ['go', 'version'],
    file: [
      'client.go',
      `package main
import ("io"; "net/http"; "os")
func main() {
  request, _ := http.NewRequest("GET", os.Args[1], nil)
  request.Header.Set("Authorization", "Bearer token")
  EXTRA
  response, err := http.DefaultClient.Do(request)
  if err != nil { panic(err) }
  out, _ := os.Create(os.Args[2])
  if _, err := io.Copy(out, response.Body); err != nil { panic(err) }
}`,
    ],
    command: ['go', 'run', 'FILE', 'URL', 'OUT'],
  },
  php('PHP `copy`', 'copy($url, $out, $context)'),
  php('PHP `file_get_contents`', 'file_put_contents($out, file_get_contents($url, false, $context))'),
  {
    name: 'Node fetch',
    packages: [],
    version: [process.execPath, '--version'],
    file: [
      'client.mjs',
      `import { writeFileSync } from 'node:fs'
const response = await fetch(process.argv[2], { headers: { authorization: 'Bearer token', ...EXTRA } })
writeFileSync(process.argv[3], new Uint8Array(await response.arrayBuffer()))`,
    ],
    command: [process.execPath, 'FILE', 'URL', 'OUT'],
  },
]

/** The field by which the server recognizes a browser, in each language. */
const browserField: Readonly<Record<string, readonly [plain: string, browser: string]>> = {
  py: ['{}', "{'Sec-Fetch-Mode': 'cors'}"],
  rb: ['{}', "{ 'Sec-Fetch-Mode' => 'cors' }"],
  php: ['[]', '["Sec-Fetch-Mode: cors"]'],
  go: ['', 'request.Header.Set("Sec-Fetch-Mode", "cors")'],
  mjs: ['{}', "{ 'sec-fetch-mode': 'cors' }"],
}
const javaField = (text: string): string =>
  text.includes('HttpURLConnection')
    ? 'c.setRequestProperty("Sec-Fetch-Mode", "cors");'
    : 'b.header("Sec-Fetch-Mode", "cors");'

/** Sends `cutAt` bytes, waits until they have arrived, and throws. */
const bytes = Buffer.from(positionCoded(size))
const info = { size, validator: 'v' }
const store: ExportStore = {
  head: async () => info,
  get: async (_, { range }) => ({
    info,
    close: () => undefined,
    chunks: (async function* chunks() {
      const from = range?.first ?? 0
      for (let at = from; at < cutAt; at += 65_536) yield bytes.subarray(at, Math.min(at + 65_536, cutAt))
      await new Promise((resolve) => setTimeout(resolve, 300))
      throw new Error('cut')
    })(),
  }),
}
let cuts = 0
const handler = createExportHandler({
  verifier: {
    verify: async () => ({
      issuer: 'i',
      subject: 's',
      organizations: ['acme'],
      capabilities: ['d'],
      claims: {},
    }),
  },
  tenancy: { mode: 'single', tenant: { id: 'acme', name: 'acme' } },
  capability: 'd',
  findExport: async () => row,
  store,
  limits: { perPrincipal: { capacity: 1_000_000, refill: 1_000_000, perMs: 1_000 } },
  delivery: { resume: { attempts: 0 } },
  onEvent: (event) => {
    if ('outcome' in event && event.outcome === 'store_cut') cuts += 1
  },
})
const listener: RequestListener = (request, response) =>
  void serveNode(handler, request, response, { params: { exportId: row.id } })

const folder = await mkdtemp(join(tmpdir(), 'sallyport-cuts-'))
const ca = join(folder, 'ca.pem')
const trust = join(folder, 'trust.p12')
const run = (command: string, ...args: readonly string[]): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd: folder })
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`)
  return stdout
}
if (process.argv.includes('--install')) {
  const packages = new Set(clients.flatMap((client) => client.packages))
  run('apt-get', '-qq', 'install', '-y', '--no-install-recommends', ...packages, 'nginx-light', 'openssl')
}
const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
run(
  'openssl',
  'req',
  '-x509',
  '-newkey',
  'rsa:2048',
  '-nodes',
  '-days',
  '2',
  '-keyout',
  'key.pem',
  '-out',
  ca,
  ...subject,
)
if (existsSync('/usr/bin/keytool') || spawnSync('keytool', ['-help']).status === 0)
  run(
    'keytool',
    '-importcert',
    '-noprompt',
    '-file',
    ca,
    '-keystore',
    trust,
    '-storepass',
    'changeit',
    '-storetype',
    'PKCS12',
  )

const plain = await listen(createServer(listener))
const tls = await listen(
  createTlsServer({ key: await readFile(join(folder, 'key.pem')), cert: await readFile(ca) }, listener),
)
const nginx = existsSync('/usr/sbin/nginx') ? await startNginx(plain) : undefined

const columns = [
  { title: 'TCP reset', url: `http://localhost:${plain}`, asBrowser: false },
  { title: 'TCP close', url: `http://localhost:${plain}`, asBrowser: true },
  { title: 'TLS, no close_notify', url: `https://localhost:${tls}`, asBrowser: false },
  ...(nginx ? [{ title: 'through nginx', url: `http://localhost:${nginx.port}`, asBrowser: false }] : []),
]
const rows: string[][] = []
const absent: string[] = []
for (const client of clients) {
  const version = versionOf(client)
  if (version === undefined) {
    absent.push(`${client.name}: not on this machine; Debian has it in ${client.packages.join(' and ')}`)
    continue
  }
  const cells: string[] = []
  for (const column of columns) cells.push(await download(client, `${column.url}/download`, column.asBrowser))
  rows.push([`${client.name}, ${version}`, ...cells])
}
print(['client', ...columns.map(({ title }) => title)], rows)
for (const line of absent) process.stdout.write(`\n${line}`)
process.stdout.write('\n')
await nginx?.end()
await rm(folder, { recursive: true })
process.exit()

async function download(client: Client, url: string, asBrowser: boolean): Promise<string> {
  const work = join(folder, 'work')
  await rm(work, { recursive: true, force: true })
  await mkdir(work)
  const out = join(work, 'out')
  const [name = '', text = ''] = client.file ?? []
  const [without, withField] = browserField[name.split('.').at(-1) ?? ''] ?? ['', javaField(text)]
  await writeFile(join(work, name || 'none'), text.replaceAll('EXTRA', asBrowser ? withField : without))
  const field = asBrowser ? 'Sec-Fetch-Mode: cors' : 'X-Other: none'
  const names = { URL: url, OUT: out, CA: ca, STORE: trust, FILE: join(work, name), EXTRA: field }
  const [command = '', ...args] = client.command.map((word) =>
    Object.entries(names).reduce((text, [key, value]) => text.replace(key, value), word),
  )
  const env = { ...process.env, SSL_CERT_FILE: ca, NODE_EXTRA_CA_CERTS: ca, NODE_OPTIONS: '', HOME: folder }
  const before = cuts
  const child = spawn(command, args, {
    cwd: work,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: deadlineMs,
  })
  let said = ''
  child.stderr.on('data', (data) => (said = `${said}${data}`.slice(-2_000)))
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  const received = await stat(out).then(
    ({ size }) => size,
    () => 0,
  )
  if (process.argv.includes('--verbose'))
    process.stderr.write(`${client.name} ${url}: ${status}, ${received} bytes ${said}\n`)
  if (cuts === before || received > cutAt) return 'not measured'
  return status === 0 ? '**exits 0**' : `notices (${status ?? 'killed'})`
}

function versionOf({ version: [command = '', ...args] }: Client): string | undefined {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return /\d+\.[\d.]+/.exec(stdout ?? '')?.[0]
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, resolve))
  return (server.address() as AddressInfo).port
}

async function startNginx(origin: number): Promise<{ port: number; end: () => Promise<void> }> {
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  await writeFile(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr crit; events {}
http { access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${origin}; proxy_http_version 1.1; proxy_set_header Connection ""; } } }`,
  )
  const daemon = startDaemon('/usr/sbin/nginx', ['-c', file], { cwd: folder })
  await until('nginx answers', () =>
    fetch(`http://127.0.0.1:${port}`).then(
      () => true,
      () => false,
    ),
  )
  return { port, end: () => daemon.end() }
}

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, head.map(() => '---'), ...rows]
  process.stdout.write(lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
}
