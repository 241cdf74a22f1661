import type { Refusal, RefusalKind } from '../refusals.ts'

/**
 * Makes the HTML page of a refusal, for a browser that followed a link with a ticket. It shows what happened, what to do, and the
 * request id. It contains no script and loads nothing.
 */
export function refusalPage({ kind, requestId, retryAfterMs }: Refusal): string {
  const { title, advice } = texts[kind]
  const wait = retryAfterMs === undefined ? '' : ` ${waitText(retryAfterMs)}`
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 4rem auto; padding: 0 1rem }
</style>
<h1>${title}</h1>
<p>${advice}${wait}</p>
<p><small>Request <code>${escapeHtml(requestId)}</code></small></p>
</html>
`
}

/** The sentence that says when to try again. */
const waitText = (ms: number): string => {
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 120) return `Try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`
  return `Try again in ${Math.ceil(seconds / 60)} minutes.`
}

interface PageText {
  readonly title: string
  readonly advice: string
}

const again = 'Go back to the page where you found the link, and start the download there again.'
const support = 'If the problem persists, contact support and quote the request below.'

const badLink: PageText = { title: 'This link is not valid', advice: `It may be incomplete. ${again}` }
const noExport: PageText = {
  title: 'There is nothing to download',
  advice: `The export is not available. ${again}`,
}
const noPermission: PageText = {
  title: 'You may not download this export',
  advice: 'The permission for it was withdrawn.',
}
const busy: PageText = { title: 'Too many downloads', advice: 'You have reached a limit.' }
const outage: PageText = {
  title: 'The download is not available right now',
  advice: 'Your link still works.',
}
const fault: PageText = { title: 'The download failed', advice: support }

const texts: Readonly<Record<RefusalKind, PageText>> = {
  invalid_request: badLink,
  token_missing: badLink,
  token_invalid: badLink,
  ticket_invalid: badLink,
  ticket_expired: { title: 'This link has expired', advice: again },
  method_not_allowed: badLink,
  tenant_forbidden: noPermission,
  capability_missing: noPermission,
  scope_missing: noPermission,
  rate_limited: busy,
  too_many_downloads: busy,
  export_not_found: noExport,
  export_pending: noExport,
  export_failed: noExport,
  export_expired: noExport,
  object_missing: noExport,
  precondition_failed: { title: 'The export has changed', advice: again },
  range_not_satisfiable: { title: 'The download cannot be resumed', advice: again },
  internal: fault,
  upstream_error: fault,
  unavailable: outage,
  object_changed: outage,
}

/** The handler's request ids need no escaping. The page must be safe with any id. */
const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
