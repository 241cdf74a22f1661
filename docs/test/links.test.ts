import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { documents, root, textOf } from './blocks.ts'

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

const anchorsOf = (document: string): readonly string[] =>
  [...textOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))

const links = documents.flatMap((document) =>
  [...textOf(document).matchAll(/\]\(([^)\s]+)\)|<img src="([^"]+)"/g)]
    .map(([, link = '', image = '']) => link || image)
    .filter((link) => !/^https?:/.test(link))
    .map((link) => ({ document, link })),
)

describe('links inside the project lead somewhere', () => {
  test.each(links)('$document: $link', ({ document, link }) => {
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? document : join(dirname(document), path)
    expect(existsSync(join(root, target))).toBe(true)
    expect(anchor === undefined || anchorsOf(target).includes(anchor)).toBe(true)
  })
})
