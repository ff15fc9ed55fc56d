import { randomBytes } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { DaisError, type Condition, type Event, type Resource } from '@dais/api';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { createOutbound } from '#lib/outbound/outbound.ts';
import { project } from '#kinds/project/index.ts';
import { secret } from '#kinds/secret/index.ts';
import { alertSlice } from './alert-slice.ts';
import { alertChannel, enqueueAlert } from './index.ts';

let database: TestDatabase;
let kernel: TestKernel;
const keys = openEnvKeys(randomBytes(32).toString('base64'));
const outbound = createOutbound({
  proxy: { noProxy: [] },
  allowHosts: ['127.0.0.1'],
  userAgent: 'dais/test',
  fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
});

async function start(): Promise<TestKernel> {
  const secrets = secret(keys);
  const channels = alertChannel({ keys, outbound, now: Date.now });
  return await startTestKernel(database, {
    kinds: [project, secrets.kind, channels.kind],
    jobs: [...secrets.jobs, ...channels.jobs],
    entries: secrets.entries,
  });
}

beforeAll(async () => {
  const { kind } = secret(keys);
  database = await startTestDatabase([kernelSlice, kind.slice!, alertSlice]);
  kernel = await start();
});
afterAll(async () => {
  await kernel.stop();
  await outbound.close();
  await database.stop();
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

interface Received {
  readonly id: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Responds as configured, in order; the last response repeats. */
async function receiver(...answers: ((response: ServerResponse) => void)[]) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const headers = request.headers as Record<string, string>;
      received.push({ id: headers['webhook-id'] ?? '', headers, body });
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (answer === undefined) response.end();
      else answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

const status =
  (code: number, headers = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(code, headers).end();

const channel = (name: string, send: object, more = {}) => manifest('AlertChannel', name, { send, ...more });
const get = (name: string, kind = 'alertChannel') => kernel.call(`${kind}.get`, { name });
const readyOf = (resource: Resource) =>
  (resource.status['conditions'] as Condition[] | undefined)?.find((one) => one.type === 'Ready');
const sendTest = async (name: string, message?: string) =>
  await kernel.call<{ deliveryId: string }>('alertChannel.test', { name, ...(message !== undefined && { message }) });

/** Waits until the channel is as expected. */
async function until(name: string, expected: { ready?: object; status?: object }): Promise<Resource> {
  return await vi.waitFor(
    async () => {
      const resource = await get(name);
      expect({ ready: readyOf(resource), status: resource.status }).toMatchObject(expected);
      return resource;
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function eventsOf(name: string): Promise<Event[]> {
  return await vi.waitFor(
    async () => {
      const { items } = await kernel.call<{ items: Event[] }>('event.list', { limit: 100, kind: 'AlertChannel', name });
      const ended = items.filter(({ type }) => type.startsWith('alert.'));
      expect(ended.length).toBeGreaterThan(0);
      return ended;
    },
    { timeout: 60_000, interval: 20 },
  );
}

describe('a delivery', () => {
  test('is delivered with a signature of the Secret, and the status and an event report it', async () => {
    const { url, received } = await receiver();
    const key = `whsec_${randomBytes(24).toString('base64')}`;
    await kernel.apply([
      channel('signed', { type: 'webhook', url, signingKey: { secret: 'hook-key', key: 'key' } }),
      manifest('Secret', 'hook-key', { data: { key } }),
    ]);
    await until('signed', { ready: { status: 'True', reason: 'Configured' }, status: { pending: 0 } });
    const { deliveryId } = await sendTest('signed', 'Hello');
    const resource = await until('signed', { ready: { status: 'True', reason: 'Delivered' }, status: { pending: 0 } });
    expect(resource.status['lastDeliveredAt']).toBeTypeOf('string');
    expect(received).toHaveLength(1);
    expect(received[0]?.id).toBe(deliveryId);
    expect(new Webhook(key).verify(received[0]!.body, received[0]!.headers)).toMatchObject({
      type: 'alert.test',
      data: { text: 'Hello', project: 'default', subject: { kind: 'AlertChannel', name: 'signed' } },
    });
    expect(await eventsOf('signed')).toMatchObject([{ type: 'alert.delivered', data: { deliveryId, attempts: 1 } }]);
    const dump = JSON.stringify([
      await database.asAdmin('select j::text from kernel.job j'),
      await get('signed'),
      kernel.log,
    ]);
    expect(dump).not.toContain(key);
  });

  test('is retried with the same id until it is delivered', async () => {
    let goOn = () => {};
    const searched = new Promise<void>((resolve) => (goOn = resolve));
    const later = (answer: (response: ServerResponse) => void) => (response: ServerResponse) =>
      void searched.then(() => answer(response));
    const { url, received } = await receiver(status(500), later(status(429, { 'retry-after': '0' })), status(200));
    await kernel.apply([channel('flaky', { type: 'webhook', url })]);
    const { deliveryId } = await sendTest('flaky');
    await until('flaky', {
      ready: {
        status: 'False',
        reason: 'Retrying',
        message: expect.stringContaining('the receiver responds with status 500'),
      },
      status: { pending: 1, lastFailure: { deliveryId, attempts: 1, givenUp: false } },
    });
    goOn();
    const resource = await until('flaky', { ready: { status: 'True', reason: 'Delivered' }, status: { pending: 0 } });
    expect(resource.status).not.toHaveProperty('lastFailure');
    expect(received.map(({ id }) => id)).toEqual([deliveryId, deliveryId, deliveryId]);
    expect(await eventsOf('flaky')).toMatchObject([{ type: 'alert.delivered', data: { attempts: 3 } }]);
  });

  test('fails permanently after the configured attempts', async () => {
    const { url, received } = await receiver(status(503, { 'retry-after': '0' }));
    await kernel.apply([channel('dead', { type: 'webhook', url }, { attempts: 3 })]);
    const { deliveryId } = await sendTest('dead');
    await until('dead', {
      ready: { status: 'False', reason: 'DeliveryFailed', message: expect.stringContaining('3 attempts') },
      status: { pending: 0, lastFailure: { attempts: 3, givenUp: true } },
    });
    expect(received).toHaveLength(3);
    const reason = 'the receiver responds with status 503';
    expect(await eventsOf('dead')).toMatchObject([{ type: 'alert.failed', data: { deliveryId, attempts: 3, reason } }]);
  });

  test('fails permanently without retries if they cannot help; a changed channel starts afresh', async () => {
    const gone = await receiver(status(410));
    await kernel.apply([channel('moved', { type: 'webhook', url: gone.url })]);
    await sendTest('moved');
    await until('moved', { ready: { status: 'False', reason: 'DeliveryFailed' } });
    expect(gone.received).toHaveLength(1);
    const { url, received } = await receiver();
    await kernel.apply([channel('moved', { type: 'webhook', url })]);
    await until('moved', { ready: { status: 'True', reason: 'Configured' } });
    await sendTest('moved');
    await until('moved', { ready: { status: 'True', reason: 'Delivered' } });
    expect(received).toHaveLength(1);
  });

  test('is sent to the current URL of the channel', async () => {
    const before = await receiver(status(500));
    await kernel.apply([channel('changed', { type: 'webhook', url: before.url })]);
    const { deliveryId } = await sendTest('changed');
    await until('changed', { ready: { reason: 'Retrying' } });
    const after = await receiver();
    await kernel.apply([channel('changed', { type: 'webhook', url: after.url })]);
    await until('changed', { ready: { reason: 'Delivered' } });
    expect(after.received.map(({ id }) => id)).toEqual([deliveryId]);
  });

  test('survives the process that was sending it', async () => {
    let arrived: (() => void) | undefined;
    const first = new Promise<void>((resolve) => (arrived = resolve));
    // The first attempt is never answered.
    const { url, received } = await receiver(() => arrived?.(), status(200));
    await kernel.apply([channel('survivor', { type: 'webhook', url })]);
    const { deliveryId } = await sendTest('survivor');
    await first;
    await kernel.stop();
    kernel = await start();
    await until('survivor', { ready: { status: 'True', reason: 'Delivered' }, status: { pending: 0 } });
    expect(received.map(({ id }) => id)).toEqual([deliveryId, deliveryId]);
  });

  test('is not retried after the alert was resolved, because it would reopen it', async () => {
    let goOn = () => {};
    const resolved = new Promise<void>((resolve) => (goOn = resolve));
    let begin = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const { url, received } = await receiver((response) => {
      begin();
      void resolved.then(() => status(503, { 'retry-after': '0' })(response));
    }, status(202));
    await kernel.apply([
      manifest('Secret', 'pager', { data: { key: 'a'.repeat(32) } }),
      channel('pager', { type: 'pagerduty', url, routingKey: { secret: 'pager', key: 'key' } }),
    ]);
    const sendAlert = async (state: 'raised' | 'resolved', key: string) =>
      await kernel.write(async (tx) => {
        const [row] = await tx.sql.query<{ id: string }>(`select id from kernel.tenant where name = 'default'`);
        await tx.enter(row!.id);
        const at = new Date().toISOString();
        const alert = { type: 'x', severity: 'critical', title: state, at, project: 'default', key, state } as const;
        await enqueueAlert(tx, 'pager', alert);
      });
    await sendAlert('raised', 'drift');
    // The first attempt is under way when it is over.
    await begun;
    await sendAlert('resolved', 'drift');
    await vi.waitFor(() => expect(received).toHaveLength(2), { timeout: 60_000, interval: 20 });
    goOn();
    const failed = await vi.waitFor(
      async () => {
        const found = (await eventsOf('pager')).find(({ type }) => type === 'alert.failed');
        expect(found).toBeDefined();
        return found;
      },
      { timeout: 60_000, interval: 20 },
    );
    expect(failed?.data).toMatchObject({ attempts: 2, reason: 'the alert was resolved before the delivery' });
    // Another alert is sent as usual.
    await sendAlert('raised', 'skew');
    await vi.waitFor(() => expect(received).toHaveLength(3), { timeout: 60_000, interval: 20 });
    const actions = received.map(({ body }) => {
      const { event_action: action, dedup_key: key } = JSON.parse(body) as Record<string, string>;
      return `${action} ${key}`;
    });
    expect(actions).toEqual(['trigger drift', 'resolve drift', 'trigger skew']);
  });

  test('exists only if its transaction commits', async () => {
    const { url, received } = await receiver();
    await kernel.apply([channel('atomic', { type: 'webhook', url })]);
    const alert = {
      type: 'x',
      severity: 'info',
      title: 't',
      at: new Date().toISOString(),
      project: 'default',
    } as const;
    const inProject = async (work: () => Promise<void>) =>
      await kernel.write(async (tx) => {
        const [row] = await tx.sql.query<{ id: string }>(`select id from kernel.tenant where name = 'default'`);
        await tx.enter(row!.id);
        await enqueueAlert(tx, 'atomic', alert);
        await work();
      });
    await expect(inProject(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await inProject(async () => {});
    await until('atomic', { ready: { reason: 'Delivered' }, status: { pending: 0 } });
    expect(received).toHaveLength(1);
  });
});

describe('a channel', () => {
  test('to a forbidden URL is reported before any alert, and not sent', async () => {
    await kernel.apply([
      channel('inside', { type: 'webhook', url: 'http://169.254.169.254/latest/meta-data' }, { attempts: 2 }),
    ]);
    const ready = {
      status: 'False',
      reason: 'AddressRefused',
      message: expect.stringContaining('outbound.allowHosts'),
    };
    await until('inside', { ready });
    await sendTest('inside');
    expect(await eventsOf('inside')).toMatchObject([{ type: 'alert.failed', data: { attempts: 1 } }]);
    await kernel.apply([
      channel('relay', { type: 'smtp', host: '10.0.0.1', from: 'a@example.com', to: ['b@example.com'] }),
    ]);
    await until('relay', { ready });
  });

  test('waits for the key of its Secret, and is woken by it', async () => {
    const { url, received } = await receiver();
    await kernel.apply([
      manifest('Secret', 'chat', { data: { other: 'x' } }),
      channel('chat', { type: 'slack', url: { secret: 'chat', key: 'url' } }),
    ]);
    await until('chat', {
      ready: { status: 'False', reason: 'SecretKeyMissing', message: 'Secret "chat" has no key "url".' },
    });
    await kernel.apply([manifest('Secret', 'chat', { data: { url } })]);
    await until('chat', { ready: { status: 'True', reason: 'Configured' } });
    await sendTest('chat');
    await until('chat', { ready: { status: 'True', reason: 'Delivered' } });
    expect(JSON.parse(received[0]!.body)).toMatchObject({ text: 'Info: A test of this alert channel' });
    expect(
      JSON.stringify([await get('chat'), kernel.log, await database.asAdmin('select j::text from kernel.job j')]),
    ).not.toContain(url);
  });

  test('prevents the deletion of its Secret', async () => {
    await kernel.apply([
      manifest('Secret', 'held', { data: { url: 'https://chat.example.com/x' } }),
      channel('holder', { type: 'slack', url: { secret: 'held', key: 'url' } }),
    ]);
    expect(await codeOf(kernel.call('secret.delete', { name: 'held' }))).toBe('still_referenced');
    expect(
      await codeOf(kernel.apply([channel('dangling', { type: 'slack', url: { secret: 'none', key: 'url' } })])),
    ).toBe('reference_not_found');
  });

  test('that is deleted deletes its deliveries', async () => {
    const { url } = await receiver(status(500));
    await kernel.apply([channel('deleted', { type: 'webhook', url })]);
    await sendTest('deleted');
    await until('deleted', { ready: { reason: 'Retrying' } });
    const { uid } = (await get('deleted')).metadata;
    await kernel.call('alertChannel.delete', { name: 'deleted' });
    expect(await database.asAdmin(`select 1 from alert_channel.delivery where channel_uid = '${uid}'`)).toEqual([]);
    expect(await eventsOf('deleted')).toMatchObject([
      { type: 'alert.failed', data: { reason: 'the channel was deleted' } },
    ]);
    expect(await codeOf(sendTest('deleted'))).toBe('not_found');
  });

  test.each([
    ['a password in the address', { type: 'webhook', url: 'https://user:hunter2@example.com/' }],
    [
      'a password without a name',
      { type: 'smtp', host: 'h', from: 'a@example.com', to: ['b@example.com'], password: { secret: 's', key: 'k' } },
    ],
    [
      'a name without a password',
      { type: 'smtp', host: 'h', from: 'a@example.com', to: ['b@example.com'], username: 'u' },
    ],
    [
      'a password in the clear',
      {
        type: 'smtp',
        host: 'h',
        from: 'a@example.com',
        to: ['b@example.com'],
        security: 'none',
        username: 'u',
        password: { secret: 's', key: 'k' },
      },
    ],
  ])('with %s is rejected', async (_name, send) => {
    const call = kernel.apply([channel('wrong', send)]);
    expect(await codeOf(call)).toBe('invalid_manifest');
    await expect(call).rejects.not.toThrow('hunter2');
  });
});
