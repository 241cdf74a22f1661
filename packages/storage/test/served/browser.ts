import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const CHROMIUM = '/usr/bin/chromium'

/** Whether a browser is on this machine. It is too large to be installed for two tests. */
export const hasBrowser = existsSync(CHROMIUM)

/** A file that was saved. */
export interface SavedFile {
  readonly name: string
  readonly bytes: Buffer
}

/** A headless Chromium that saves what it is sent. */
export interface Browser {
  /** Opens a URL, and waits until the download has ended. Rejects if it did not complete. */
  save(url: string): Promise<SavedFile>
  close(): Promise<void>
}

/** Starts Chromium, and speaks its DevTools protocol. */
export async function startBrowser(): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-browser-'))
  const child = spawn(
    CHROMIUM,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--remote-debugging-port=0',
      `--user-data-dir=${join(folder, 'profile')}`,
      'about:blank',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: folder } },
  )
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      const [, url] = /DevTools listening on (\S+)/.exec(line) ?? []
      if (url !== undefined) resolve(url)
    })
    child.once('exit', () => reject(new Error('Chromium ended')))
  })
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const waiting: ((state: string) => void)[] = []
  socket.addEventListener('message', ({ data }) => {
    const [, state] =
      /"method":"Browser.downloadProgress".*"state":"(completed|canceled)"/.exec(String(data)) ?? []
    if (state !== undefined) waiting.shift()?.(state)
  })
  let id = 0
  const send = (method: string, params: object): void => {
    id += 1
    socket.send(JSON.stringify({ id, method, params }))
  }
  let saves = 0
  return {
    save: async (url) => {
      saves += 1
      const downloadPath = join(folder, String(saves))
      const ended = new Promise<string>((resolve) => waiting.push(resolve))
      send('Browser.setDownloadBehavior', { behavior: 'allow', downloadPath, eventsEnabled: true })
      send('Target.createTarget', { url })
      const state = await ended
      const [name] = await readdir(downloadPath)
      if (state !== 'completed' || name === undefined) throw new Error(`the download was ${state}`)
      return { name, bytes: await readFile(join(downloadPath, name)) }
    },
    close: async () => {
      const gone = once(child, 'exit')
      socket.close()
      child.kill()
      await gone
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
