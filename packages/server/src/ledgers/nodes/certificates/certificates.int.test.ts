/** Nodes on one database that connect to each other, and the rotation of their authority. */
import { randomUUID, X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { AuthorityState } from '@dais/api/access';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { InternalListener } from '#control/internal-listener.ts';
import { InternalServer } from '#http/internal/internal-server.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { rewrapJob } from '#kinds/secret/secret-rotation.ts';
import { WorkGate } from '#lib/concurrency/work-gate.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { silentLog } from '#lib/log.ts';
import { CERTIFICATE_MS } from '#lib/node-tls/certificates.ts';
import { jsonResponse, type InternalRoute } from '#lib/node-tls/internal-route.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { ledger, type NodesLedger } from '../index.ts';
import { openTestKeys, sealerOf } from './node-sealer.testing.ts';

let db: TestDatabase;
let dais: TestKernel;
let folder: string;
let keys: KeyStore;
const running: { stop(): Promise<void> }[] = [];
let isAway = false;
const sealer = sealerOf(() => {
  if (isAway) throw new DaisError('keys_unavailable', 'The key store does not respond.');
  return keys;
});

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-certificates-'));
  keys = await openTestKeys(folder);
  db = await startTestDatabase([kernelSlice, ledger.slice]);
  const { entries = [], jobs = [] } = open('none');
  dais = await startTestKernel(db, { entries, jobs });
});
afterEach(async () => {
  for (const one of running.splice(0).toReversed()) await one.stop();
  await db.asAdmin('delete from nodes.node; delete from nodes.authority');
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
  await rm(folder, { recursive: true, force: true });
});

function open(name: string, clock: Clock = systemClock): NodesLedger {
  const load = () => ({ cores: 2, busyCores: 0.5, memoryBytes: 1000 });
  const about = { role: 'all' as const, version: '0.1.0', host: name, hosts: ['127.0.0.1'], holder: randomUUID() };
  const rules = { join: 'open' as const, token: undefined };
  const gate = new WorkGate();
  const data = join(folder, name);
  return ledger.open({
    ...about,
    rules,
    database: db.database,
    gate,
    log: silentLog,
    data,
    clock,
    load,
    sealer,
    contactMs: 50,
  });
}

async function start(name: string, clock?: Clock): Promise<NodesLedger> {
  await mkdir(join(folder, name), { recursive: true });
  const opened = open(name, clock);
  await opened.prepare?.();
  await opened.start?.({ controller: true, gateway: true, steps: true });
  running.push({ stop: async () => await opened.stop?.() });
  return opened;
}

/** A node that accepts connections; its route returns the id of the caller. */
async function startServer(name: string) {
  const { connections, self } = await start(name);
  const caller: InternalRoute = {
    method: 'GET',
    path: '/internal/caller',
    handle: async ({ node }) => await Promise.resolve(jsonResponse(node)),
  };
  let server: InternalServer | undefined;
  const tls = await connections.tls((renewed) => server?.setTls(renewed));
  const isMember = async (node: string) => await connections.isMember(node);
  const options = { host: '127.0.0.1', port: 0, tls, routes: [caller], isMember, log: silentLog };
  const opened = (server = await InternalServer.listen(options));
  running.push({ stop: async () => await opened.close(1000) });
  connections.setAddress({ host: '127.0.0.1', port: opened.port });
  return { node: self.id() ?? '', host: '127.0.0.1', port: opened.port };
}

const ask = { path: '/internal/caller', timeoutMs: 10_000 };
const rotate = async () => await dais.call<AuthorityState>('nodeAuthority.rotate', {});
const internals = async () =>
  (await dais.call<{ items: { internal?: { authority: number } }[] }>('node.list', {})).items.map(
    ({ internal }) => internal?.authority,
  );
const signerOf = async ({ connections }: NodesLedger) =>
  /authority (\d+)/.exec(new X509Certificate((await connections.tls(() => {})).cert).issuer)?.[1];

test('a rotation reaches every node without a failed request', async () => {
  const [left, right] = [await startServer('left'), await startServer('right')];
  const client = await start('client');
  const id = client.self.id();
  let requests = 0;
  const requesting = { on: true };
  const load = (async () => {
    while (requesting.on) {
      for (const to of [left, right]) {
        expect(await client.connections.request(to, ask)).toEqual({ status: 200, body: JSON.stringify(id) });
        requests++;
      }
    }
  })();
  try {
    await expect.poll(internals, { interval: 20 }).toEqual(expect.arrayContaining([1, 1]));
    expect(await signerOf(client)).toBe('1');
    const made = await rotate();
    expect(made).toMatchObject({ generation: 2, fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/) as string });
    await expect.poll(internals, { interval: 20 }).toEqual(expect.arrayContaining([2, 2]));
    await expect.poll(async () => await signerOf(client), { interval: 20 }).toBe('2');
    const before = requests;
    await expect.poll(() => requests, { interval: 20 }).toBeGreaterThan(before + 20);
  } finally {
    requesting.on = false;
    await load;
  }
  expect(client.connections.address).toBeUndefined();
});

test('a live node that does not trust a new generation yet delays its use for at most a day', async () => {
  const client = await start('client');
  await signerOf(client);
  // The control process of another node that stands still.
  await db.asAdmin(`insert into nodes.node (id, holder, host, role, version, gateway, started_at, contacted_at, authority)
    values (gen_random_uuid(), gen_random_uuid(), 'still', 'api', '0.1.0', 99, now(), now() + interval '1 hour', 1)`);
  await rotate();
  const trusted = async () => new Set((await client.connections.tls(() => {})).ca).size;
  await expect.poll(trusted, { interval: 20 }).toBe(2);
  expect(await signerOf(client)).toBe('1');
  await db.asAdmin(`update nodes.authority set created_at = created_at - interval '25 hours'`);
  await expect.poll(async () => await signerOf(client), { interval: 20 }).toBe('2');
  expect(await trusted()).toBe(2);
  await db.asAdmin(`update nodes.authority set created_at = created_at - interval '24 hours'`);
  await rotate();
  await expect.poll(async () => (await db.asAdmin('select generation from nodes.authority')).length).toBe(2);
});

test('a certificate is renewed after two thirds of its validity', async () => {
  const clock = new ManualClock();
  clock.advance(Date.now());
  const client = await start('client', clock);
  const certificate = async () => (await client.connections.tls(() => {})).cert;
  const first = await certificate();
  clock.advance(CERTIFICATE_MS / 2);
  expect(await certificate()).toBe(first);
  clock.advance(CERTIFICATE_MS / 6);
  const afterContact = async () => {
    clock.advance(50);
    return await certificate();
  };
  await expect.poll(afterContact, { interval: 20 }).not.toBe(first);
});

test('the private key of the authority is encrypted, and follows the rotation of keys', async () => {
  const client = await start('client');
  await signerOf(client);
  const rows = async () => await db.asAdmin('select key_fingerprint, ciphertext from nodes.authority');
  const [before] = await rows();
  expect(String(before?.['ciphertext'])).not.toContain('PRIVATE KEY');
  const current = await keys.rotate();
  const job = rewrapJob(ledger.keyRotation?.queue ?? '', current.fingerprint);
  await dais.write(async (tx) => await Promise.resolve(tx.enqueue(job)));
  await expect.poll(async () => (await rows())[0]?.['key_fingerprint'], { interval: 20 }).toBe(current.fingerprint);
  const second = await start('second');
  expect(await signerOf(second)).toBe('1');
});

test('a node opens its port for other nodes when the key store responds', async () => {
  const { connections } = await start('waiting');
  const clock = new ManualClock();
  isAway = true;
  const config = { host: '127.0.0.1', node: { internalPort: 0, join: 'open' as const } };
  const listener = await InternalListener.open({ config, connections, routes: [], clock, log: silentLog });
  running.push({ stop: async () => await listener.close(100) });
  expect(connections.address).toBeUndefined();
  isAway = false;
  clock.advance(10_000);
  await expect.poll(() => connections.address?.host, { interval: 20 }).toBe('127.0.0.1');
  await expect.poll(internals, { interval: 20 }).toEqual([1]);
});

test('a new generation is refused while nodes trust five, unless they stop trusting the others', async () => {
  for (let generation = 1; generation <= 5; generation++) expect((await rotate()).generation).toBe(generation);
  expect(await codeOf(rotate())).toBe('invalid_state');
  const client = await start('client');
  const trusted = async () => new Set((await client.connections.tls(() => {})).ca).size;
  expect(await trusted()).toBe(5);
  expect((await dais.call<AuthorityState>('nodeAuthority.rotate', { distrust: true })).generation).toBe(6);
  await expect.poll(trusted, { interval: 20 }).toBe(1);
  expect(await signerOf(client)).toBe('6');
});
