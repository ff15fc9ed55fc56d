/** Webhooks through both APIs: MLflow's endpoints and the native API, with the events of the ledgers. */
import { createHmac, randomBytes } from 'node:crypto';
import type { Webhook, WebhookDelivery } from '@dais/api/webhooks';
import { Webhook as Verifier } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { loadLineage, loadWebhooks } from '#compose/event-ledgers.ts';
import { loadTracking } from '#compose/runs.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { codeOf, manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { transact } from '#kernel/transaction.ts';
import { startReceiver, type Receiver } from '#ledgers/webhooks/testing/webhook-receiver.ts';
import { systemClock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

const PATIENCE = { timeout: 60_000 };

const ALLOWED = ['127.0.0.1'];
const FIRST_KEY = randomBytes(32).toString('base64');

let test_: TestDatabase;
let dais: TestKernel;
let outbound: Outbound;
let start: () => Promise<TestKernel>;
const receivers: Receiver[] = [];

beforeAll(async () => {
  outbound = await openOutbound({ allowHosts: ALLOWED }, '0');
  const keys = openEnvKeys(FIRST_KEY);
  const { kinds, entries, jobs } = await loadKinds({ keys, outbound, clock: systemClock });
  test_ = await startTestDatabase(await loadSlices(kinds));
  const { database } = test_;
  const webhooks = await loadWebhooks({ database, keys, outbound, clock: systemClock, allowHosts: ALLOWED });
  const tracking = await loadTracking({ clock: systemClock, random: randomBytes });
  const lineage = await loadLineage({ days: 400, now: () => systemClock.now() });
  start = async () =>
    await startTestKernel(test_, {
      kinds,
      entries: [...entries, ...tracking.entries, ...lineage.entries, ...webhooks.entries],
      jobs: [...jobs, ...webhooks.jobs],
      subscribers: webhooks.subscribers,
    });
  dais = await start();
  await dais.apply([manifest('Project', 'other')]);
  // A subscriber starts at the present: from its first pass on it receives every event.
  await vi.waitFor(async () => {
    const rows = await test_.asAdmin(`select 1 as one from kernel.subscription where name = 'webhooks'`);
    if (rows.length === 0) throw new Error('the subscriber has not begun');
  }, PATIENCE);
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
});
afterAll(async () => {
  await dais?.stop();
  await test_?.stop();
  await outbound?.close();
});

const call = async <Output>(name: string, input: object, project?: string) =>
  await dais.call<Output>(name, input, project === undefined ? {} : { projects: [project] });

async function receiver(): Promise<Receiver> {
  const made = await startReceiver();
  receivers.push(made);
  return made;
}

let made = 0;
async function webhook(url: string, events: readonly string[], more: object = {}, project?: string): Promise<Webhook> {
  made += 1;
  return await call<Webhook>('webhook.create', { name: `hook-${made}`, url, events, ...more }, project);
}
const model = async () => {
  made += 1;
  const name = `model ${made}`;
  await call('registeredModel.create', { name, description: 'delays', tags: { team: 'x' } });
  return name;
};
const deliveries = async (id: string) => (await call<{ items: WebhookDelivery[] }>('webhook.deliveries', { id })).items;
const bodies = ({ received }: Receiver) => received.map(({ body }) => JSON.parse(body) as { [key: string]: unknown });

test('the end of a run and an approval are sent in Dais’s format, signed as Standard Webhooks', async () => {
  const to = await receiver();
  const secret = randomBytes(24).toString('base64');
  const hook = await webhook(to.url, ['run.finished', 'run.failed', 'model.approval.requested'], {
    secret: `whsec_${secret}`,
  });
  expect(hook).toMatchObject({ format: 'dais', status: 'active', signed: true, waiting: 0, dropped: 0 });
  const { id } = await call<{ id: string }>('run.create', { experimentId: '0' });
  await call('run.update', { id, status: 'FINISHED' });
  await call('run.update', { id, status: 'FAILED' });
  made += 1;
  const name = `guarded ${made}`;
  const approvals = [{ aliases: ['best'], teams: [{ team: 'risk' }] }];
  await dais.apply([manifest('Team', 'risk'), manifest('Model', name, { approvals })]);
  await call('modelVersion.create', { name, source: 's3://bucket/m' });
  await call('modelApproval.request', { name, version: '1', alias: 'best', reason: 'better' });
  await expect.poll(() => to.received.length, PATIENCE).toBe(3);
  const reported = bodies(to).toSorted((a, b) => (String(a['type']) < String(b['type']) ? -1 : 1));
  expect(reported).toMatchObject([
    { type: 'model.approval.requested', data: { project: 'default', subject: { kind: 'Model', name } } },
    { type: 'run.failed', data: { data: { run: id, status: 'FAILED' } } },
    { type: 'run.finished', data: { data: { run: id, experiment: '0' }, actor: { type: 'user', id: 'owner' } } },
  ]);
  const verifier = new Verifier(secret);
  for (const { body, headers } of to.received) {
    expect(verifier.verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body));
  }
  await expect
    .poll(async () => (await deliveries(hook.id)).map(({ state }) => state), PATIENCE)
    .toEqual(['delivered', 'delivered', 'delivered']);
  const [newest] = await deliveries(hook.id);
  expect(newest).toMatchObject({ attempts: 1, responseStatus: 200 });
});

test('events of models and prompts are sent in MLflow’s format, with its signature', async () => {
  const to = await receiver();
  const secret = 'ümlaut and spaces';
  const events = [
    'registered_model.created',
    'model_version.created',
    'model_version_tag.set',
    'model_version_tag.deleted',
    'model_version_alias.created',
    'model_version_alias.deleted',
    'prompt.created',
    'prompt_version.created',
    'prompt_tag.set',
    'prompt_tag.deleted',
    'prompt_version_tag.set',
    'prompt_alias.created',
  ];
  await webhook(to.url, events, { format: 'mlflow', secret });
  const name = await model();
  await call('modelVersion.create', { name, source: 's3://bucket/m', description: 'first', tags: { a: 'b' } });
  const long = 'é'.repeat(3000);
  await call('modelVersion.update', { name, version: '1', tags: { note: long } });
  await call('modelVersion.update', { name, version: '1', removeTags: ['note'] });
  await call('modelAlias.set', { name, alias: 'best', version: '1' });
  await call('modelAlias.remove', { name, alias: 'best' });
  // Tags of models are no event of MLflow.
  await call('registeredModel.update', { name, tags: { t: 'u' } });
  const prompt = `${name} prompt`;
  const promptTags = { 'mlflow.prompt.is_prompt': 'true', owner: 'me' };
  await call('registeredModel.create', { name: prompt, type: 'prompt', tags: promptTags });
  const textTags = { 'mlflow.prompt.is_prompt': 'true', 'mlflow.prompt.text': 'Hello {{name}}' };
  await call('modelVersion.create', { name: prompt, source: 'prompt-template', tags: textTags });
  await call('registeredModel.update', { name: prompt, tags: { lang: 'en' } });
  await call('registeredModel.update', { name: prompt, removeTags: ['lang'] });
  await call('modelVersion.update', { name: prompt, version: '1', tags: { k: 'v' } });
  await call('modelAlias.set', { name: prompt, alias: 'live', version: '1' });
  await expect.poll(() => to.received.length, PATIENCE).toBe(12);
  const reported = new Map(bodies(to).map(({ entity, action, data }) => [`${String(entity)}.${String(action)}`, data]));
  expect(Object.fromEntries(reported)).toEqual({
    // The state at delivery, which can be later than the event.
    'registered_model.created': { name, tags: expect.objectContaining({ team: 'x' }), description: 'delays' },
    'model_version.created': expect.objectContaining({
      name,
      version: '1',
      source: 's3://bucket/m',
      run_id: null,
    }),
    'model_version_tag.set': { name, version: '1', key: 'note', value: expect.stringMatching(/^é{999,3000}$/) },
    'model_version_tag.deleted': { name, version: '1', key: 'note' },
    'model_version_alias.created': { name, alias: 'best', version: '1' },
    'model_version_alias.deleted': { name, alias: 'best' },
    'prompt.created': { name: prompt, tags: expect.objectContaining({ owner: 'me' }), description: '' },
    'prompt_version.created': expect.objectContaining({ name: prompt, version: '1', template: 'Hello {{name}}' }),
    'prompt_tag.set': { name: prompt, key: 'lang', value: 'en' },
    'prompt_tag.deleted': { name: prompt, key: 'lang' },
    'prompt_version_tag.set': { name: prompt, version: '1', key: 'k', value: 'v' },
    'prompt_alias.created': { name: prompt, alias: 'live', version: '1' },
  });
  for (const { body, headers } of to.received) {
    const id = String(headers['x-mlflow-delivery-id']);
    const at = String(headers['x-mlflow-timestamp']);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const signature = createHmac('sha256', Buffer.from(secret, 'utf8')).update(`${id}.${at}.${body}`).digest('base64');
    expect(headers['x-mlflow-signature']).toBe(`v1,${signature}`);
    expect((JSON.parse(body) as { timestamp: string }).timestamp).toMatch(/^\d{4}-.*\+00:00$/);
  }
  // A model that is renamed is no new one.
  await call('registeredModel.rename', { name, to: `${name} renamed` });
  await call('modelAlias.set', { name: prompt, alias: 'later', version: '1' });
  await expect.poll(() => to.received.length, PATIENCE).toBe(13);
  expect(bodies(to).at(-1)).toMatchObject({ entity: 'prompt_alias', data: { alias: 'later' } });
});

test('a receiver that is away gets it later, under the same id, also after a restart', async () => {
  const to = await receiver();
  to.answer(503);
  const { id } = await webhook(to.url, ['run.created']);
  await call('run.create', { experimentId: '0' });
  await expect.poll(() => to.received.length, PATIENCE).toBeGreaterThan(0);
  await expect
    .poll(async () => await deliveries(id), PATIENCE)
    .toMatchObject([{ state: 'pending', responseStatus: 503, failure: 'the receiver responds with status 503' }]);
  expect((await call<Webhook>('webhook.get', { id })).waiting).toBe(1);
  await dais.stop();
  to.answer(200);
  const before = to.received.length;
  dais = await start();
  await expect.poll(() => to.received.length, PATIENCE).toBeGreaterThan(before);
  await expect.poll(async () => (await deliveries(id))[0]?.state, PATIENCE).toBe('delivered');
  expect(new Set(to.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(new Set(to.received.map(({ body }) => body)).size).toBe(1);
  // A receiver that requests a pause is not called for so long.
  to.answer(429, { 'retry-after': '3600' });
  await call('run.create', { experimentId: '0' });
  await expect.poll(async () => (await deliveries(id))[0]?.responseStatus, PATIENCE).toBe(429);
});

test('events without a running worker are delivered later', async () => {
  const to = await receiver();
  await webhook(to.url, ['experiment.created']);
  await dais.stop();
  const other = await startTestKernel(test_, {
    kinds: [],
    entries: (await loadTracking({ clock: systemClock, random: randomBytes })).entries,
    start: 'none',
  });
  await other.call('experiment.create', { name: 'while away' });
  await other.stop();
  dais = await start();
  await expect.poll(() => bodies(to).map(({ type }) => type), PATIENCE).toEqual(['experiment.created']);
});

test('a receiver that rejects a delivery is not called again, and an event is emitted', async () => {
  const to = await receiver();
  to.answer(410);
  const { id, name } = await webhook(to.url, ['run.created']);
  await call('run.create', { experimentId: '0' });
  await expect
    .poll(async () => await deliveries(id), PATIENCE)
    .toMatchObject([
      { state: 'failed', attempts: 1, responseStatus: 410, failure: 'the receiver responds with status 410' },
    ]);
  await expect
    .poll(async () => {
      const { items } = await call<{ items: { data: object }[] }>('event.list', { type: 'webhook.failed', name });
      return items.map(({ data }) => data);
    }, PATIENCE)
    .toMatchObject([
      { webhook: name, event: 'run.created', attempts: 1, reason: 'the receiver responds with status 410' },
    ]);
});

test('a test of a webhook reports a redirect as a failure, as a delivery does', async () => {
  const to = await receiver();
  to.answer(307, { location: '/elsewhere' });
  const { id } = await webhook(to.url, ['run.created']);
  expect(await call('webhook.test', { id })).toMatchObject({
    success: false,
    responseStatus: 307,
    error: 'the receiver responds with status 307: redirects are not followed; set the webhook to the new URL',
  });
});

test('a disabled or deleted webhook, or one of another project, receives no delivery', async () => {
  const to = await receiver();
  const disabled = await webhook(to.url, ['run.created'], { status: 'disabled' });
  const gone = await webhook(to.url, ['run.created']);
  const elsewhere = await webhook(to.url, ['run.created'], {}, 'other');
  await call('webhook.delete', { id: gone.id });
  const witness = await receiver();
  await webhook(witness.url, ['run.created']);
  await call('run.create', { experimentId: '0' });
  await expect.poll(() => witness.received.length, PATIENCE).toBe(1);
  expect(await deliveries(disabled.id)).toEqual([]);
  expect(to.received).toEqual([]);
  expect(await codeOf(call('webhook.deliveries', { id: gone.id }))).toBe('not_found');
  expect(await codeOf(call('webhook.get', { id: elsewhere.id }))).toBe('not_found');
  await call('run.create', { experimentId: '0' }, 'other');
  await expect.poll(() => to.received.length, PATIENCE).toBe(1);
});

test('the secret is sealed, and never returned', async () => {
  const secret = 'a secret that is nowhere';
  const hook = await webhook('https://example.com/hook?key=token-in-url', ['run.created'], { secret });
  const dump = JSON.stringify([
    await test_.asAdmin('select * from webhooks.webhook'),
    await test_.asAdmin('select * from kernel.event'),
    await call('webhook.list', {}),
  ]);
  expect(dump).not.toContain(secret);
  expect(JSON.stringify(await test_.asAdmin('select * from kernel.event'))).not.toContain('token-in-url');
  const changed = await call<Webhook>('webhook.update', { id: hook.id, secret: '', description: 'open' });
  expect(changed).toMatchObject({ signed: false, description: 'open', url: hook.url, events: hook.events });
});

test('a test sends an example once and returns the response', async () => {
  const to = await receiver();
  to.answer(418);
  const { id } = await webhook(to.url, ['prompt.created', 'model_version.created'], { format: 'mlflow' });
  expect(await call('webhook.test', { id })).toEqual({ success: false, responseStatus: 418, responseBody: 'received' });
  to.answer(200);
  expect(await call('webhook.test', { id, event: 'model_version_tag.set' })).toMatchObject({ success: true });
  expect(bodies(to)).toMatchObject([
    { entity: 'prompt', action: 'created', data: { name: 'example_prompt' } },
    { entity: 'model_version_tag', action: 'set', data: { key: 'example_key', version: '1' } },
  ]);
  expect(to.received[0]?.headers['x-mlflow-signature']).toBeUndefined();
  expect(await deliveries(id)).toEqual([]);
  await to.close();
  receivers.splice(receivers.indexOf(to), 1);
  expect(await call('webhook.test', { id })).toMatchObject({ success: false, error: expect.stringMatching(/./) });
});

test('a webhook that may not be called is tried no further', async () => {
  const to = await receiver();
  const { id } = await webhook(to.url, ['run.created']);
  await test_.asAdmin(`update webhooks.webhook set url = 'http://169.254.169.254/latest' where id = '${id}'`);
  await call('run.create', { experimentId: '0' });
  await expect.poll(async () => (await deliveries(id))[0]?.state, PATIENCE).toBe('failed');
  const [delivery] = await deliveries(id);
  expect([delivery?.attempts, delivery?.failure]).toEqual([1, expect.stringContaining('169.254.169.254')]);
});

test('a queue that does not empty is bounded', async () => {
  const to = await receiver();
  to.answer(503, { 'retry-after': '3600' });
  const { id } = await webhook(to.url, ['run.created']);
  await test_.asAdmin(
    `insert into webhooks.delivery (id, webhook, project_id, event, body, created_at)
     select gen_random_uuid(), id, project_id, 'run.created', '{}', 0 from webhooks.webhook, generate_series(1, 9999)
     where id = '${id}'`,
  );
  for (let n = 0; n < 3; n++) await call('run.create', { experimentId: '0' });
  await expect
    .poll(async () => await call('webhook.get', { id }), PATIENCE)
    .toMatchObject({ waiting: 10_000, dropped: 2 });
  const first = await call<{ items: WebhookDelivery[]; nextCursor?: string }>('webhook.deliveries', { id, limit: 1 });
  expect(first.items).toHaveLength(1);
  const second = await call<{ items: WebhookDelivery[] }>('webhook.deliveries', {
    id,
    limit: 2,
    cursor: first.nextCursor,
  });
  expect(second.items.map((one) => one.id)).not.toContain(first.items[0]?.id);
  await call('webhook.delete', { id });
});

describe('rejects an invalid webhook', () => {
  const url = 'https://example.com/hook';
  test.each([
    ['an unknown event', { url, events: ['run.exploded'] }, 'invalid_request', 'events[0]'],
    ['an event of another format', { url, events: ['prompt.created'] }, 'invalid_request', 'events[0]'],
    ['no event', { url, events: [] }, 'invalid_request', 'events'],
    ['an unknown format', { url, events: ['run.created'], format: 'none' }, 'invalid_request', 'format'],
    ['http', { url: 'http://example.com/', events: ['run.created'] }, 'invalid_request', 'url'],
    ['no address', { url: 'hook', events: ['run.created'] }, 'invalid_request', 'url'],
    ['another scheme', { url: 'file:///etc/passwd', events: ['run.created'] }, 'invalid_request', 'url'],
    ['an address inside', { url: 'https://10.0.0.1/', events: ['run.created'] }, 'address_refused', ''],
    ['a password in it', { url: 'https://me:pw@example.com/', events: ['run.created'] }, 'address_refused', ''],
    ['a bad name', { url, events: ['run.created'], name: '-x' }, 'invalid_request', 'name'],
    ['its own failures', { url, events: ['webhook.failed'] }, 'invalid_request', 'events[0]'],
  ])('%s', async (_name, input, code, path) => {
    const error = await errorOf(call('webhook.create', { name: 'refused', ...input }));
    expect([error.code, JSON.stringify(error.issues ?? [])]).toEqual([code, expect.stringContaining(path)]);
  });

  test.each(['', 'x', "' or 1=1", '00000000-0000-0000-0000-000000000000'])('the id %j', async (id) => {
    for (const operation of ['webhook.get', 'webhook.update', 'webhook.delete', 'webhook.test', 'webhook.deliveries']) {
      expect(['not_found', 'invalid_request']).toContain(await codeOf(call(operation, { id })));
    }
  });

  test('a cursor of another list', async () => {
    const { id } = await webhook(url, ['run.created']);
    await webhook(url, ['run.created']);
    const { nextCursor } = await call<{ nextCursor?: string }>('webhook.list', { limit: 1 });
    expect(nextCursor).toBeDefined();
    expect(await codeOf(call('webhook.deliveries', { id, cursor: nextCursor }))).toBe('invalid_cursor');
    expect(await codeOf(call('webhook.list', { cursor: 'x' }))).toBe('invalid_cursor');
  });
});

// Last: from then on the first key opens no secret any more.
test('secrets follow a new key, and the old one can go', async () => {
  const to = await receiver();
  const secret = 'kept';
  const { id } = await webhook(to.url, ['prompt.created'], { format: 'mlflow', secret });
  const second = randomBytes(32).toString('base64');
  const { database } = test_;
  const under = async (keys: string) =>
    await loadWebhooks({ database, keys: openEnvKeys(keys), outbound, clock: systemClock, allowHosts: ALLOWED });
  const { jobs } = await under(`${second},${FIRST_KEY}`);
  const rewrap = jobs.find(({ queue }) => queue === 'webhook keys');
  const run = async () =>
    await rewrap?.run({} as never, {
      signal: new AbortController().signal,
      progress: () => {},
      read: async (work) => await transact(database, { mode: 'read', projectId: 'all' }, work),
      write: async (work) => await transact(database, { mode: 'write', projectId: 'all' }, work),
    });
  expect(await run()).toEqual({ rewrapped: expect.any(Number) });
  expect(await run()).toEqual({ rewrapped: 0 });
  const { entries } = await under(second);
  const other = await startTestKernel(test_, { entries, start: 'none' });
  expect(await other.call('webhook.test', { id })).toMatchObject({ success: true });
  await other.stop();
  const { headers, body } = to.received[0]!;
  const signed = `${String(headers['x-mlflow-delivery-id'])}.${String(headers['x-mlflow-timestamp'])}.${body}`;
  expect(headers['x-mlflow-signature']).toBe(`v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
});
