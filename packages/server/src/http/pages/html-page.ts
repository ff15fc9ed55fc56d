/** Small, self-contained pages of the server: no external resource, no script, no state. */
import { randomBytes } from 'node:crypto';
import type { FastifyReply } from 'fastify';

export function escapeHtml(text: string): string {
  return text.replaceAll(
    /[&<>"']/g,
    (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? character,
  );
}

/** The logo of Dais, as in docs/public/favicon.svg. */
export const MARK =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" aria-hidden="true"><rect x="2" y="22" width="28" height="6" rx="1.5" fill="#3451b2"/>' +
  '<rect x="6" y="14" width="20" height="6" rx="1.5" fill="#5c73e7"/><rect x="10" y="6" width="12" height="6" rx="1.5" fill="#a8b1ff"/></svg>';
const ICON = `data:image/svg+xml,${encodeURIComponent(MARK)}`;

const STYLE = `
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5b6675; --line: #dde3ea; --card: #fff; --ground: #f5f7fa; --link: #3451b2; --good: #137a3f; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6ebf2; --dim: #9aa6b5; --line: #2b3542; --card: #171e27; --ground: #10151c; --link: #a8b1ff; --good: #5fd08f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 3rem 1.5rem 4rem; }
h1 { font-size: 1.75rem; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1rem; margin: 2.25rem 0 0.75rem; color: var(--dim); font-weight: 600; }
p { margin: 0.25rem 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
header { display: flex; align-items: center; gap: 1rem; }
header svg { width: 2.75rem; height: 2.75rem; flex: none; }
.dim { color: var(--dim); }
.good { color: var(--good); font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 0.75rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.9rem 1rem; color: inherit; display: block; }
.card:hover { border-color: var(--link); text-decoration: none; }
.card b { font-size: 1.5rem; display: block; line-height: 1.3; font-variant-numeric: tabular-nums; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.3rem 1.25rem; margin: 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
.next { background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; padding: 0.9rem 1rem; grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr)); }
.next code { display: block; }
table { border-collapse: collapse; width: 100%; background: var(--card); border: 1px solid var(--line); border-radius: 0.6rem; overflow: hidden; }
th, td { text-align: left; padding: 0.55rem 0.9rem; border-top: 1px solid var(--line); vertical-align: top; }
tr:first-child th { border-top: 0; }
code { font: 0.9em ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
:target { outline: 2px solid var(--link); outline-offset: -2px; }
`;

export interface Page {
  readonly title: string;
  /** HTML of the main element; already escaped. */
  readonly body: string;
}

/** Sends a page with a policy that allows only its own style. */
export async function sendPage(reply: FastifyReply, page: Page): Promise<FastifyReply> {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return await reply
    .headers({ 'content-security-policy': policy.join('; '), 'cache-control': 'no-store' })
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
        `<title>${escapeHtml(page.title)}</title><link rel="icon" href="${ICON}"><style nonce="${nonce}">${STYLE}</style></head>` +
        `<body><main>${page.body}</main></body></html>`,
    );
}
