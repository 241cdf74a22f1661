import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { documents, root, textOf } from './blocks.ts'

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (document: string): readonly string[] =>
  [...textOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

const allLinks = documents.flatMap((document) =>
  [...textOf(document).matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)].map(([, link = '', image = '']) => ({
    document,
    link: link || image,
  })),
)
const isAbsolute = (link: string): boolean => /^https?:/.test(link)

const leadsSomewhere = (path: string, anchor: string | undefined): boolean =>
  existsSync(join(root, path)) && (anchor === undefined || anchorsOf(path).includes(anchor))

describe('links inside the project lead somewhere', () => {
  test.each(allLinks.filter(({ link }) => !isAbsolute(link)))('$document: $link', ({ document, link }) => {
    const [path = '', anchor] = link.split('#')
    expect(leadsSomewhere(path === '' ? document : join(dirname(document), path), anchor)).toBe(true)
  })
})

describe('links of READMEs on npm', () => {
  const onNpm = allLinks.filter(({ document }) => document.startsWith('packages/'))

  test('are absolute, because npm shows the README without the files beside it', () => {
    expect(onNpm.length).toBeGreaterThan(10)
    expect(onNpm.filter(({ link }) => !isAbsolute(link))).toEqual([])
  })

  const inRepository = onNpm.flatMap(({ document, link }) => {
    const [, path] =
      /^https:\/\/github\.com\/sallyport\/sallyport\/(?:blob|tree)\/main\/(.*)$/.exec(link) ?? []
    return path === undefined ? [] : [{ document, path }]
  })
  test.each(inRepository)('$document: $path', ({ path }) => {
    const [file = '', anchor] = path.split('#')
    expect(leadsSomewhere(file, anchor)).toBe(true)
  })
})
