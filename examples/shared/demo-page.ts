import { createHash } from 'node:crypto'

/** An export to show. */
export interface ShownExport {
  readonly id: string
  readonly organization: string
  /** Bytes. */
  readonly size: number
  /** The path of its download. */
  readonly path: string
}

/** A page and its header fields. */
export interface Page {
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}

/**
 * A page with a button for each export: it asks for a ticket with the token, and follows the link, so that the browser downloads as it
 * downloads everything. For development alone: the token stands in the page.
 */
export function demoPage(exports: readonly ShownExport[], jwt: string): Page {
  const script = `const token = ${scriptText(jwt)}
${code}`
  const rows = exports.map(
    ({
      id,
      organization,
      size,
      path,
    }) => `<tr><td><code>${id}</code><td>${escapeHtml(organization)}<td>${megabytes(size)} MB
<td><button data-ticket="${escapeHtml(path.replace(/download$/, 'ticket'))}" data-organization="${escapeHtml(organization)}">Download</button>`,
  )
  const broken = exports[0]
    ? `<a href="${escapeHtml(exports[0].path)}?sig=cut-short">A link that is not valid</a>`
    : ''
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Exports</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 56rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse } td, th { padding: .3rem 1rem .3rem 0; text-align: left }
</style>
<h1>Exports</h1>
<table><tr><th>export<th>organization<th>size<th>
${rows.join('\n')}
</table>
<p id="said" role="status"></p>
<p>The browser shows the progress, and can pause and resume. ${broken} shows the page of a refusal.</p>
<script>${script}</script>
</html>
`
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`,
    "style-src 'unsafe-inline'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    html,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'Cache-Control': 'no-store',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    },
  }
}

const code = `const said = document.getElementById('said')
for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', async () => {
    const { ticket, organization } = button.dataset
    const headers = { Authorization: 'Bearer ' + token, 'X-Org-Name': organization }
    const response = await fetch(ticket, { method: 'POST', headers })
    if (!response.ok) {
      said.textContent = 'The server answered ' + response.status + '.'
      return
    }
    const { url, filename, expires_at } = await response.json()
    said.textContent = filename + ': the link is good until ' + expires_at
    location.assign(url)
  })
}
`

const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(bytes < 1_000_000 ? 3 : 1)

/** A string in a script: `<` could end the element. */
const scriptText = (text: string): string => JSON.stringify(text).replaceAll('<', '\\u003c')

const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
