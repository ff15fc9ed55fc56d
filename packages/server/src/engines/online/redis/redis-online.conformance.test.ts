/** The Redis of Debian, with a password and without persistence. */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort } from '#testing/dais-process.ts';
import { start } from '#lib/process.ts';
import { ensureProgram } from '../../../../../../tools/debian-packages.mjs';
import { onlineStoreSuite } from '../suite.ts';
import { openRedisOnline } from './redis-online.ts';

onlineStoreSuite('redis', async () => {
  const program = await ensureProgram(
    'Tests of the online store need Redis, and it is not on the PATH.',
    ['redis-server'],
    'redis-server',
  );
  const folder = await mkdtemp(join(tmpdir(), 'dais-redis-'));
  const [port, password] = [await freePort(), randomBytes(16).toString('hex')];
  const words = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--requirepass',
    password,
    '--save',
    '',
    '--dir',
    folder,
  ];
  const server = start(program, words, { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => server.once('close', () => resolve()));
  const options = { url: `redis://:${password}@127.0.0.1:${port}`, prefix: 'dais:' };
  const [store, other] = [await openRedisOnline(options), await openRedisOnline(options)];
  const project = randomUUID();
  await vi.waitUntil(
    async () =>
      await store.count({ project, view: 'none' }).then(
        () => true,
        () => false,
      ),
    {
      timeout: 20_000,
    },
  );
  return {
    store,
    other,
    project,
    end: async () => {
      await Promise.all([store.close(), other.close()]);
      server.kill('SIGTERM');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
});

test('reports a server that does not respond, without its password', async () => {
  const store = await openRedisOnline({ url: `redis://:secret-word@127.0.0.1:${await freePort()}`, prefix: '' });
  const refused = await store.count({ project: 'p', view: 'v' }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 'upstream_failed' });
  expect(JSON.stringify([String(refused), refused])).not.toContain('secret-word');
  await store.close();
});
