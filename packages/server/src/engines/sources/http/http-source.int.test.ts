import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { createOutbound, type Outbound } from '#lib/outbound/outbound.ts';
import { sourcesSuite } from '../suite.ts';
import { httpSource } from './http-source.ts';

function outbound(): Outbound {
  return createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
  });
}

async function serve() {
  const files = new Map([['/a.csv', 'id\n1\n']]);
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    if (request.url === '/elsewhere') {
      response.writeHead(302, { location: '/a.csv' }).end();
      return;
    }
    const text = files.get(request.url ?? '');
    if (text === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': text.length, etag: `"${text}"`.replaceAll('\n', '-') });
    response.end(request.method === 'HEAD' ? undefined : text);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { files, authorizations, server, base };
}

sourcesSuite('http', true, async () => {
  const { files, server, base } = await serve();
  const calls = outbound();
  const at = (path: string) => httpSource({ urls: [`${base}${path}`], headers: {}, outbound: calls });
  return {
    source: at('/a.csv'),
    absent: at('/nowhere.csv'),
    change: async () => void files.set('/a.csv', 'id\n2\n'),
    end: async () => {
      await calls.close();
      server.close();
    },
  };
});

test('sends secrets to the URL itself, and never to redirect targets', async () => {
  const { authorizations, server, base } = await serve();
  const calls = outbound();
  const headers = { authorization: 'Bearer word' };
  const signal = new AbortController().signal;
  await httpSource({ urls: [`${base}/a.csv`], headers, outbound: calls }).list(signal);
  expect(authorizations).toEqual(['Bearer word']);
  const redirected = httpSource({ urls: [`${base}/elsewhere`], headers, outbound: calls });
  await expect(redirected.list(signal)).rejects.toThrow('redirects to another server');
  await calls.close();
  server.close();
});
