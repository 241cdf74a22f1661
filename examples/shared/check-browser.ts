import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

import { createLeakScanner } from '@sallyport/core/testing'

import { isHere } from '../../scripts/servers/available.ts'
import { startChromium } from '../../scripts/servers/chromium.ts'
import { until } from '../../scripts/servers/daemon.ts'
import type { Check, Service } from './check-service.ts'
import { sha256 } from './check-service.ts'

/** What a person gets who opens the page at `/` in a browser. */
export const browserAnswer: Check<Service> = {
  title: 'in Chromium, one click on the page at / saves the export, and no log line has the ticket',
  ...(!isHere('chromium') && { skipped: 'Chromium is not installed' }),
  run: async (service) => {
    await using browser = await startChromium()
    const tab = await browser.open(service.origin)
    const ticketPath = new URL(service.url).pathname.replace(/download$/, 'ticket')
    await tab.click(`[data-ticket="${ticketPath}"][data-organization="${service.organization}"]`)
    const { filename } = await browser.download(({ state }) => state === 'completed')
    assert.deepEqual(await readdir(browser.folder), [filename])
    const saved = await readFile(path.join(browser.folder, filename))
    assert.equal(sha256(saved), sha256(await readFile(service.file)))
    assert.equal(await tab.run('document.title'), 'Exports')
    await until('the download is logged', () =>
      service.lines.some((line) => line.includes('download_ended') && line.includes('"via":"ticket"')),
    )
    assert.deepEqual(createLeakScanner().find(service.lines), [])
  },
}
