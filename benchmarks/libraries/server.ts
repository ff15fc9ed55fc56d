/** The HTTP server: cookies, and the files of the console. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance, type FastifyPluginCallback } from 'fastify';
import { cookieValue } from '../../packages/server/src/lib/http/cookies.ts';
import { StaticFiles } from '../../packages/server/src/http/pages/static-files.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

const SCRIPT_BYTES = 40_000;

interface Cookie {
  readonly parse?: (header: string) => Record<string, string | undefined>;
  readonly parseCookie?: (header: string) => Record<string, string | undefined>;
}

export async function compareServer(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('cookie')}`);
  const cookie = await candidates.load<Cookie>('cookie');
  const parse = cookie?.parseCookie ?? cookie?.parse;
  const header = `theme=dark; __Host-dais_session=${'a'.repeat(43)}; other=1; last=2`;
  await compare(
    'the session of a request with four cookies',
    () => cookieValue(header, '__Host-dais_session'),
    parse && (() => parse(header)['__Host-dais_session']),
    'cookie',
  );
  if (parse !== undefined) {
    const planted = 'session=planted; session=own';
    console.log(
      `  a name twice (${planted}): ours ${String(cookieValue(planted, 'session'))}, cookie ${String(parse(planted)['session'])}`,
    );
  }

  console.log(` ${candidates.facts('@fastify/static')}`);
  const plugin = await candidates.load<{ readonly default: FastifyPluginCallback<Readonly<Record<string, unknown>>> }>(
    '@fastify/static',
  );
  const folder = await mkdtemp(join(tmpdir(), 'dais-benchmark-static-'));
  try {
    await writeFile(join(folder, 'index.html'), '<html></html>');
    await writeFile(join(folder, 'page-abcdefgh.js'), 'x'.repeat(SCRIPT_BYTES));
    await writeFile(join(folder, 'page-abcdefgh.js.br'), 'x'.repeat(SCRIPT_BYTES / 4));
    const own = fastify();
    const files = await StaticFiles.open(folder, { builtFor: '/console/', shownAt: '/console/' });
    if (files === undefined) throw new Error('no files');
    own.get('/*', async (request, reply) => {
      await files.send(request, reply, request.url.slice(1));
      return reply;
    });
    const other = plugin && fastify();
    if (plugin !== undefined) {
      await other?.register(plugin.default, { root: folder, preCompressed: true, wildcard: false });
    }
    const ask = async (app: FastifyInstance) => {
      const answer = await app.inject({ url: '/page-abcdefgh.js', headers: { 'accept-encoding': 'br' } });
      if (answer.statusCode !== 200 || answer.headers['content-encoding'] !== 'br') throw new Error(answer.body);
    };
    await compare(
      `a compressed script of ${SCRIPT_BYTES / 4 / 1000} kB`,
      async () => await ask(own),
      other && (async () => await ask(other)),
      '@fastify/static',
    );
    await own.close();
    await other?.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
