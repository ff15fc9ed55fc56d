/** The console: one page for all of its addresses, and the files that the page loads. Files hold no secrets. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { consoleRoots, DaisError } from '@dais/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Door } from '#http/door.ts';
import { escapeHtml } from '#http/html-page.ts';
import { StaticFiles } from '#http/static-files.ts';

/** What the build put into the page where the nonce of each answer goes, and where the page is shown. */
const NONCE = 'NONCE';
const BASE = '<base href="/" />';

/** Undefined when `folder` holds no built console. */
export async function readConsolePage(folder: string): Promise<string | undefined> {
  return await readFile(join(folder, 'index.html'), 'utf8').catch(() => undefined);
}

/** `page`: what `readConsolePage` gave for the folder. */
export function consoleDoor(folder: string, page: string): Door {
  if (!page.includes(BASE)) throw new Error(`${folder}/index.html is not a page of the console`);
  return {
    name: 'console',
    paths: ['/', '/p/*', '/favicon.svg', '/assets/*', ...consoleRoots.flatMap((root) => [`/${root}`, `/${root}/*`])],
    perProject: false,
    access: 'anonymous',
    // Files lie there compressed; the page is shorter than a packet.
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
      // The address that clients have of a project, and links that they print: what stands after # stays.
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
 * Scripts come from files of ours alone. Styles too, but for those that libraries add while they run: they carry the
 * nonce. Nothing is fetched from elsewhere, and no other page may show this one.
 */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    // Pages among artifacts, which are locked up by a policy of their own.
    "frame-src 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}
