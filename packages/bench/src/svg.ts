/** A chart for a page, readable on light and dark backgrounds. */
export interface Picture {
  readonly title: string
  readonly width: number
  readonly height: number
  /** SVG elements, each a line. */
  readonly elements: readonly string[]
}

/** Formats the chart as SVG, with its title. */
export const svg = ({ title, width, height, elements }: Picture): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}">`,
    `<style>${style}</style>`,
    `<text class="title" x="12" y="22">${escapeText(title)}</text>`,
    ...elements,
    '</svg>\n',
  ].join('\n')

const style =
  'text{font:13px system-ui,sans-serif;fill:#57606a}.title{font-weight:600}' +
  '.ours{fill:#1a7f5a}.other{fill:#8c959f}path{stroke:#57606a;stroke-dasharray:4 3}' +
  '.line{fill:none;stroke-width:2}.line.ours{stroke:#1a7f5a}.line.other{stroke:#8c959f}' +
  '@media(prefers-color-scheme:dark){text{fill:#adbac7}path{stroke:#adbac7}}'

/** Our servers have their own colour. */
export const kindOf = (label: string): 'ours' | 'other' => (label.startsWith('sallyport') ? 'ours' : 'other')

export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
