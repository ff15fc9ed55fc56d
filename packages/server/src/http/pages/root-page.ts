/** The page at `/` if there is no console: the state of the server, its resources and next steps. */
import type { ServerInfo } from '@dais/api';
import { escapeHtml, MARK, type Page } from '#http/pages/html-page.ts';

export interface RootFacts {
  readonly server: ServerInfo;
  /** Public URL of the server, without a trailing slash. */
  readonly url: string;
  readonly basePath: string;
  readonly counts: readonly KindCount[];
  readonly nowMs: number;
}

export interface KindCount {
  readonly kind: string;
  readonly plural: string;
  readonly scope: 'org' | 'project';
  readonly count: number;
  /** True if there are more than were counted. */
  readonly more: boolean;
}

export function rootPage(facts: RootFacts): Page {
  const { server, basePath } = facts;
  const link = (path: string, text: string) => `<a href="${escapeHtml(basePath + path)}">${escapeHtml(text)}</a>`;
  const cards = facts.counts.map(
    ({ kind, plural, scope, count, more }) =>
      `<a class="card" href="${escapeHtml(`${basePath}/api/v1/${plural}`)}"><b>${count.toLocaleString('en')}${more ? '+' : ''}</b>` +
      `${escapeHtml(kind)} <span class="dim">${scope === 'org' ? 'in the organization' : 'in project default'}</span></a>`,
  );
  const next = NEXT.map(
    ([command, purpose]) =>
      `<div><code>${escapeHtml(command)}</code><span class="dim">${escapeHtml(purpose)}</span></div>`,
  );
  return {
    title: 'Dais',
    body:
      `<header>${MARK}<div><h1>Dais ${escapeHtml(server.version)}</h1>` +
      `<p class="dim"><span class="good">Running</span> for ${escapeHtml(age(facts.nowMs - Date.parse(server.startedAt)))} at ${escapeHtml(facts.url)}</p></div></header>` +
      `<h2>Resources</h2><div class="cards">${cards.join('')}</div>` +
      `<h2>Next steps</h2><div class="cards next">${next.join('')}</div>` +
      '<h2>Links</h2><dl>' +
      `<dt>Documentation</dt><dd>${link('/docs', 'Guides and reference')}</dd>` +
      `<dt>API</dt><dd>${link('/api/openapi.json', 'OpenAPI document')}, ${link('/api/v1/events', 'events')}, ${link('/api/v1/server', 'server information')}</dd>` +
      `<dt>Health</dt><dd>${link('/readyz', 'readiness')}, ${link('/metrics', 'metrics')}</dd>` +
      `<dt>Database</dt><dd>PostgreSQL ${escapeHtml(server.database.version)}, ${server.database.engine === 'embedded' ? 'managed by Dais in its data folder' : 'external'}</dd>` +
      `</dl>`,
  };
}

const NEXT = [
  ['dais get projects', 'list the projects'],
  ['dais explain Secret', 'describe a kind and its fields'],
  ['dais plan -f manifest.yaml', 'preview the changes'],
  ['dais apply -f manifest.yaml', 'apply the changes'],
  ['dais events -w', 'watch the events'],
  ['dais doctor', 'diagnose problems'],
] as const;

/** `3 minutes`. */
function age(ms: number): string {
  const steps: readonly (readonly [number, string])[] = [
    [86_400_000, 'day'],
    [3_600_000, 'hour'],
    [60_000, 'minute'],
    [1000, 'second'],
  ];
  const [size, word] = steps.find(([size]) => ms >= size) ?? [1000, 'second'];
  const count = Math.max(0, Math.floor(ms / size));
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
