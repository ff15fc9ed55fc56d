/** The console: one page for all of its URLs, and the files that the page loads. Files contain no secrets. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { consoleRoots, DaisError } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { RouteGroup } from '#http/server/route-group.ts';
import { escapeHtml } from '#http/pages/html-page.ts';
import { StaticFiles } from '#http/pages/static-files.ts';

/** Placeholders of the build for the nonce of each response and for the base path. */
const NONCE = 'NONCE';
const BASE = '<base href="/" />';

/** Returns undefined if `folder` contains no built console. */
export async function readConsolePage(folder: string): Promise<string | undefined> {
  return await readFile(join(folder, 'index.html'), 'utf8').catch(() => undefined);
}

/** `page`: the result of `readConsolePage` for the folder. */
export function consoleRoutes(folder: string, page: string): RouteGroup {
  if (!page.includes(BASE)) throw new Error(`${folder}/index.html is not a page of the console`);
  return {
    name: 'console',
    paths: ['/', '/p/*', '/favicon.svg', '/assets/*', ...consoleRoots.flatMap((root) => [`/${root}`, `/${root}/*`])],
    perProject: false,
    access: 'anonymous',
    // The files are stored compressed; the page is smaller than a packet.
    compress: false,
    register: async (app, io) => {
      const { basePath } = io.address;
      const files = await StaticFiles.open(folder, { builtFor: '/console/', shownAt: '/console/' });
      const placed = page.replace(BASE, `<base href="${escapeHtml(basePath)}/" />`);
      const config = { operation: 'page.root' };
      const sendPage = async (_request: FastifyRequest, reply: FastifyReply) => {
        const nonce = randomBytes(16).toString('base64');
        return await reply
          .headers({ 'content-security-policy': policy(nonce), 'cache-control': 'no-store' })
          .type('text/html; charset=utf-8')
          .send(placed.replaceAll(NONCE, nonce));
      };
      app.get('/', { config }, sendPage);
      // URLs of projects that clients use, and links that they print; the browser keeps the fragment.
      for (const path of ['/p/:project', '/p/:project/']) {
        app.get<{ Params: { project: string } }>(path, { config }, async (request, reply) => {
          return await reply.redirect(`${basePath}/projects/${encodeURIComponent(request.params.project)}`);
        });
      }
      for (const root of consoleRoots) {
        app.get(`/${root}`, { config }, sendPage);
        app.get(`/${root}/*`, { config }, sendPage);
      }
      const sendFile = async (request: FastifyRequest, reply: FastifyReply) => {
        const path = request.url.slice(1).replace(/\?.*$/s, '');
        if ((await files?.send(request, reply, path)) === true) return reply;
        throw new DaisError('route_not_found', `There is no page /${path.slice(0, 200)}.`);
      };
      app.get('/favicon.svg', { config: { operation: 'page.file' } }, sendFile);
      app.get('/assets/*', { config: { operation: 'page.file' } }, sendFile);
    },
  };
}

/**
 * Allows scripts only from our own files. Styles too, except for those that libraries add at run time with the nonce.
 * No external resources, and no framing by other pages.
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    // HTML artifacts have a sandbox policy of their own.
    "frame-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
