/** Pages for browsers besides the console: the documentation, and a front page if no console was built. */
import { DaisError, errorCatalog, type Operation, type ServerInfo } from '@dais/api';
import type { RouteGroup } from '#http/server/route-group.ts';
import { escapeHtml, sendPage, type Page } from '#http/pages/html-page.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';
import { rootPage, type KindCount } from '#http/pages/root-page.ts';
import { StaticFiles } from '#http/pages/static-files.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Clock } from '#lib/clock.ts';

export interface PagesDependencies {
  readonly calls: OperationCalls;
  readonly clock: Clock;
  /** Public URL of the server, without a trailing slash. */
  readonly url: string;
}

/** More resources of a kind are not counted. */
const MOST_COUNTED = 1000;

/** The site has inline scripts for its theme and its search. */
const DOCS_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'";

/** The page at `/` of a server without a console. */
export function rootPageRoutes(dependencies: PagesDependencies): RouteGroup {
  return {
    name: 'pages',
    paths: ['/'],
    perProject: false,
    access: 'checked',
    compress: true,
    register: (app, io) => {
      app.get('/', { config: { operation: 'page.root' } }, async (request, reply) => {
        const context = io.contextOf(request, reply, 'manifest');
        const server = (await dependencies.calls.call('server.read', {}, context)) as ServerInfo;
        const counts = await Promise.all(server.kinds.map((kind) => countKind(dependencies.calls, kind, context)));
        const { basePath } = io.address;
        return await sendPage(
          reply,
          rootPage({ server, url: dependencies.url, basePath, counts, nowMs: dependencies.clock.now() }),
        );
      });
    },
  };
}

/** `folder`: the built documentation; without it a short index is shown. */
export function docsRoutes(folder: string | undefined): RouteGroup {
  return {
    name: 'docs',
    paths: ['/docs', '/docs/*'],
    perProject: false,
    access: 'anonymous',
    compress: true,
    register: async (app, io) => {
      const location = { builtFor: '/docs/', shownAt: `${io.address.basePath}/docs/` };
      const docs = folder === undefined ? undefined : await StaticFiles.open(folder, location);
      app.get('/docs', { config: { operation: 'page.docs' } }, async (_request, reply) =>
        docs === undefined
          ? await sendPage(reply, docsIndex(io.address.basePath))
          : await reply.redirect(`${io.address.basePath}/docs/`),
      );
      app.get('/docs/*', { config: { operation: 'page.docs' } }, async (request, reply) => {
        const path = (request.params as { '*': string })['*'];
        if (docs !== undefined) {
          reply.header('content-security-policy', DOCS_POLICY);
          if (await docs.send(request, reply, path)) return reply;
        } else if (path === 'reference/errors') return await sendPage(reply, errorsPage());
        else if (path === '') return await sendPage(reply, docsIndex(io.address.basePath));
        throw new DaisError('route_not_found', `There is no page /docs/${path.slice(0, 200)}.`);
      });
    },
  };
}

async function countKind(
  calls: OperationCalls,
  kind: ServerInfo['kinds'][number],
  context: CallContext,
): Promise<KindCount> {
  const list = calls.operations.find(
    ({ mode, http }: Operation) => mode === 'read' && http.method === 'GET' && http.path === `/api/v1/${kind.plural}`,
  );
  if (list === undefined) return { ...kind, count: 0, more: false };
  const page = (await calls.call(list.name, { limit: MOST_COUNTED }, context)) as {
    items: readonly unknown[];
    nextCursor?: string;
  };
  return { ...kind, count: page.items.length, more: page.nextCursor !== undefined };
}

function docsIndex(basePath: string): Page {
  return {
    title: 'Dais documentation',
    body:
      '<h1>Documentation</h1>' +
      '<p class="dim">This build does not include the full documentation. Every server includes these pages:</p>' +
      `<h2>Reference</h2><dl><dt>Errors</dt><dd><a href="${escapeHtml(basePath)}/docs/reference/errors">Every error code and its remedy</a></dd>` +
      `<dt>API</dt><dd><a href="${escapeHtml(basePath)}/api/openapi.json">OpenAPI document</a></dd>` +
      '<dt>Kinds</dt><dd><code>dais explain</code> describes every kind and its fields</dd>' +
      '<dt>Commands</dt><dd><code>dais --help</code>, <code>dais COMMAND --help</code></dd></dl>',
  };
}

function errorsPage(): Page {
  const rows = Object.entries(errorCatalog).map(
    ([code, { status, title, remedy }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${escapeHtml(title)}.<br><span class="dim">${escapeHtml(remedy)}</span></td></tr>`,
  );
  return {
    title: 'Dais errors',
    body: `<h1>Errors</h1><p class="dim">Every error has one of these codes.</p><h2>Codes</h2><table><tr><th>Code</th><th>Status</th><th>Error and remedy</th></tr>${rows.join('')}</table>`,
  };
}
