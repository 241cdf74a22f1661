import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

/**
 * A download, as Chromium reports it. `canceled`: it has failed or was cancelled. Then Chromium reports nothing of it any more,
 * also if it is resumed.
 */
interface BrowserDownload {
  /** The name that Chromium chose for the file. */
  readonly filename: string
  readonly receivedBytes: number
  readonly state: 'inProgress' | 'completed' | 'canceled'
}

/** A tab of a browser. */
interface Tab {
  /** Runs a script in the page, as if after a click of the user, and returns its result. */
  readonly run: (script: string) => Promise<unknown>
  /** Clicks the middle of an element with the mouse. */
  readonly click: (selector: string) => Promise<void>
}

/** A headless Chromium with an empty profile. */
export interface Chromium extends AsyncDisposable {
  /** The process of the browser. Its renderers are children of it. */
  readonly pid: number
  /** The folder of its downloads. */
  readonly folder: string
  /** Opens a page in a new tab. Resolves once the page has loaded, or has become a download. */
  readonly open: (url: string) => Promise<Tab>
  /** Resolves to the newest download that fulfils the condition. Rejects after 20 seconds. */
  readonly download: (isWanted: (download: BrowserDownload) => boolean) => Promise<BrowserDownload>
  /** Lets `download` find only downloads that begin from now on. */
  readonly forgetDownloads: () => void
  /** Presses Pause or Resume of the newest download on Chromium's page of downloads. */
  readonly pauseOrResume: () => Promise<void>
}

const command = '/usr/bin/chromium'
const waitMs = 20_000
const flags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--remote-debugging-port=0',
]

/** Starts a headless Chromium and drives it through its DevTools protocol. Its files are removed at the end. */
export async function startChromium(moreFlags: readonly string[] = []): Promise<Chromium> {
  const home = await mkdtemp(path.join(tmpdir(), 'sallyport-browser-'))
  const folder = path.join(home, 'downloads')
  const profile = path.join(home, 'profile')
  await mkdir(path.join(profile, 'Default'), { recursive: true })
  const preferences = { download: { default_directory: folder, prompt_for_download: false } }
  await writeFile(path.join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  const child = spawn(command, [...flags, ...moreFlags, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, HOME: home },
  })
  const protocol = await connect(child)
  const downloads = new Map<string, BrowserDownload>()
  const changed = new Set<() => void>()
  protocol.onEvent((method, { guid, suggestedFilename, receivedBytes, state }) => {
    if (typeof guid !== 'string') return
    const known = downloads.get(guid)
    if (method === 'Browser.downloadWillBegin')
      downloads.set(guid, { filename: String(suggestedFilename), receivedBytes: 0, state: 'inProgress' })
    else if (known && isState(state))
      downloads.set(guid, { ...known, receivedBytes: Number(receivedBytes), state })
    for (const look of changed) look()
  })
  // The behaviour stays the user's: the protocol's own would not keep partial files.
  await protocol.send('Browser.setDownloadBehavior', { behavior: 'default', eventsEnabled: true })

  const open: Chromium['open'] = async (url) => {
    const { targetId } = await protocol.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await protocol.send('Target.attachToTarget', { targetId, flatten: true })
    const session = String(sessionId)
    await protocol.send('Page.enable', {}, session)
    const loaded = protocol.event('Page.loadEventFired', session)
    const { errorText } = await protocol.send('Page.navigate', { url }, session)
    if (errorText === undefined) await loaded
    const run: Tab['run'] = async (expression) => {
      const options = { expression, userGesture: true, awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await protocol.send('Runtime.evaluate', options, session)
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
      return membersOf(result)['value']
    }
    const click: Tab['click'] = async (selector) => {
      const place = `(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))(document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect())`
      const { x, y } = membersOf(await run(place))
      for (const type of ['mousePressed', 'mouseReleased'])
        await protocol.send(
          'Input.dispatchMouseEvent',
          { type, x, y, button: 'left', clickCount: 1 },
          session,
        )
    }
    return { run, click }
  }

  return {
    pid: child.pid ?? 0,
    folder,
    open,
    download: (isWanted) =>
      new Promise((resolve, reject) => {
        const done = (): void => {
          clearTimeout(timer)
          changed.delete(look)
        }
        const look = (): void => {
          const found = [...downloads.values()].findLast(isWanted)
          if (!found) return
          done()
          resolve(found)
        }
        const timer = setTimeout(() => {
          done()
          reject(new Error(`no such download: ${JSON.stringify([...downloads.values()])}`))
        }, waitMs)
        changed.add(look)
        look()
      }),
    forgetDownloads: () => downloads.clear(),
    pauseOrResume: async () => {
      const tab = await open('chrome://downloads/')
      await tab.run(pressPauseOrResume)
    },
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      const timer = setTimeout(() => child.kill('SIGKILL'), waitMs)
      protocol.send('Browser.close').catch(() => undefined) // it may end before it answers
      await gone
      clearTimeout(timer)
      await rm(home, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

/** The button is in a menu, which the page makes when the newest item's menu is opened. Both appear some time after the page. */
const pressPauseOrResume = `new Promise((resolve, reject) => {
  const end = Date.now() + 10000
  const look = () => {
    const item = document.querySelector('downloads-manager')?.shadowRoot.querySelector('downloads-item')?.shadowRoot
    const button = item?.querySelector('#pause-or-resume')
    if (button && !button.hidden) return resolve(button.click())
    if (Date.now() > end) return reject(new Error('nothing to pause or to resume'))
    if (!button) item?.querySelector('#more-actions')?.click()
    setTimeout(look, 50)
  }
  look()
})`

type Members = Readonly<Record<string, unknown>>

interface Protocol {
  readonly send: (method: string, params?: object, session?: string) => Promise<Members>
  readonly onEvent: (listener: (method: string, params: Members) => void) => void
  /** Resolves at the next event of a session. */
  readonly event: (method: string, session: string) => Promise<void>
}

async function connect(child: ChildProcess): Promise<Protocol> {
  const { stderr } = child
  if (!stderr) throw new Error('no stderr')
  const socket = await new Promise<WebSocket>((resolve, reject) => {
    createInterface(stderr).on('line', (line) => {
      const [, url] = /DevTools listening on (\S+)/.exec(line) ?? []
      if (url !== undefined) resolve(new WebSocket(url))
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error('Chromium ended')))
  })
  await once(socket, 'open')
  const answers = new Map<unknown, (answer: Members) => void>()
  const listeners = new Set<(method: string, params: Members, session: unknown) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, method, params, sessionId, ...answer } = membersOf(JSON.parse(String(data)))
    if (id !== undefined) answers.get(id)?.(answer)
    else for (const listener of listeners) listener(String(method), membersOf(params), sessionId)
  })
  socket.addEventListener('close', () => {
    for (const answer of answers.values()) answer({ error: 'Chromium ended' })
  })
  let lastId = 0
  return {
    send: (method, params = {}, sessionId) =>
      new Promise((resolve, reject) => {
        const id = ++lastId
        answers.set(id, ({ result, error }) => {
          answers.delete(id)
          if (error === undefined) resolve(membersOf(result))
          else reject(new Error(`${method}: ${JSON.stringify(error)}`))
        })
        socket.send(JSON.stringify({ id, method, params, sessionId }))
      }),
    onEvent: (listener) => void listeners.add(listener),
    event: (wanted, wantedSession) =>
      new Promise((resolve) => {
        const listener = (method: string, _: Members, session: unknown): void => {
          if (method !== wanted || session !== wantedSession) return
          listeners.delete(listener)
          resolve()
        }
        listeners.add(listener)
      }),
  }
}

const isState = (value: unknown): value is BrowserDownload['state'] =>
  value === 'inProgress' || value === 'completed' || value === 'canceled'

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null ? { ...value } : {}
