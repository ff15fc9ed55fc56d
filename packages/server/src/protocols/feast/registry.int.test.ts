import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { Message } from './wire/message.ts';
import {
  applying,
  applyingView,
  entityBytes,
  fileSource,
  named,
  ofProject,
  registryClient,
  serviceBytes,
  viewBytes,
} from './testing/registry-client.ts';
import { startRegistryWorld, type RegistryWorld } from './testing/registry-world.ts';

let world: RegistryWorld;
beforeAll(async () => {
  world = await startRegistryWorld();
});
afterAll(async () => await world?.stop());

const call = async (method: string, request?: Uint8Array) => await world.client.call(method, request);
/** Returns status and details of a rejected call. */
async function refused(work: Promise<unknown>): Promise<object> {
  const error = (await work.catch((thrown: unknown) => thrown)) as { code: number; details: string };
  return { code: error.code, ...(JSON.parse(error.details) as object) };
}
async function resources(plural: string, project: string): Promise<{ metadata: { name: string }; spec: object }[]> {
  const answer = await fetch(`${world.http.url}/p/${project}/api/v1/${plural}`);
  return ((await answer.json()) as { items: { metadata: { name: string }; spec: object }[] }).items;
}

test('returns applied objects byte for byte, with unknown fields, followed by times', async () => {
  const unknown = [bytesField(99, 'of tomorrow'), bytesField(8, messageOf(bytesField(1, 'team'), bytesField(2, 'ml')))];
  const entity = entityBytes('driver', 'driver_id', ...unknown);
  await call('ApplyEntity', applying(entity, 'bytes'));
  const seen = await call('GetEntity', named('driver', 'bytes'));
  expect(seen.subarray(0, entity.length)).toEqual(entity);
  const message = new Message(seen);
  expect(message.message(1).text(99)).toBe('of tomorrow');
  expect(message.message(1).text(9)).toBe('bytes');
  expect(message.message(2).microseconds(1)).toBeGreaterThan(1_700_000_000_000_000n);
  const list = new Message(await call('ListEntities', ofProject('bytes')));
  expect(list.all(1)).toEqual([seen]);
  expect(list.message(2).number(3)).toBe(1);
});

test('accepts views before their entities; all of them exist as resources too', async () => {
  const source = fileSource(
    'driver_stats',
    bytesField(2, messageOf(bytesField(1, 'rate'), bytesField(2, 'conv_rate'))),
  );
  await call('ApplyDataSource', applying(source, 'whole_repo'));
  await call('ApplyFeatureView', applyingView(viewBytes('stats', source, bytesField(10, 'hourly')), 'whole_repo'));
  await call('ApplyEntity', applying(entityBytes('driver', 'driver_id', bytesField(3, 'who drives')), 'whole_repo'));
  await call('ApplyFeatureService', applying(serviceBytes('model_v1', 'stats'), 'whole_repo'));
  expect(await resources('entities', 'whole-repo')).toMatchObject([
    {
      metadata: { name: 'driver', origin: 'feast' },
      spec: { joinKey: 'driver_id', type: 'int64', description: 'who drives' },
    },
  ]);
  expect(await resources('featureviews', 'whole-repo')).toMatchObject([
    {
      metadata: { name: 'stats', origin: 'feast' },
      spec: {
        entities: ['driver'],
        source: { type: 'push' },
        eventTime: 'event_timestamp',
        createdTime: 'created',
        ttl: '1d',
        features: [{ name: 'conv_rate', type: 'float32' }],
        columns: { conv_rate: 'rate' },
        description: 'hourly',
      },
    },
  ]);
  expect(await resources('featureservices', 'whole-repo')).toMatchObject([
    { spec: { features: [{ view: 'stats', features: ['conv_rate'] }] } },
  ]);
  const any = new Message(await call('GetAnyFeatureView', named('stats', 'whole_repo')));
  expect(any.message(1).message(1).message(1).text(1)).toBe('stats');
  const all = new Message(await call('ListAllFeatureViews', ofProject('whole_repo')));
  expect(all.all(1)).toHaveLength(1);
  const registry = new Message(await call('Proto'));
  expect([1, 6, 7, 12].map((field) => registry.all(field).length)).toEqual([2, 1, 1, 1]);
});

test('deletes entities before the views that use them, and leaves no objects', async () => {
  const source = fileSource('s');
  await call('ApplyFeatureView', applyingView(viewBytes('v', source), 'goes'));
  await call('ApplyEntity', applying(entityBytes('driver', 'driver_id'), 'goes'));
  await call('ApplyFeatureService', applying(serviceBytes('svc', 'v'), 'goes'));
  await call('DeleteEntity', named('driver', 'goes'));
  await call('DeleteFeatureView', named('v', 'goes'));
  // The service still uses features of it.
  expect(await resources('featureviews', 'goes')).toHaveLength(1);
  await call('DeleteFeatureService', named('svc', 'goes'));
  for (const plural of ['entities', 'featureviews', 'featureservices']) {
    expect(await resources(plural, 'goes')).toEqual([]);
  }
  expect(await refused(call('DeleteEntity', named('driver', 'goes')))).toMatchObject({ code: 5 });
});

test('a teardown deletes the definitions; the project remains', async () => {
  await call('ApplyProject', messageOf(bytesField(1, messageOf(bytesField(1, messageOf(bytesField(1, 'torn_down')))))));
  await call('ApplyFeatureView', applyingView(viewBytes('v', fileSource('s')), 'torn_down'));
  await call('DeleteProject', ofProject('torn_down'));
  expect(await resources('featureviews', 'torn-down')).toEqual([]);
  expect(await resources('entities', 'torn-down')).toEqual([]);
  expect(new Message(await call('GetProject', ofProject('torn_down'))).message(1).text(1)).toBe('torn_down');
});

test('returns external materializations with the view, also after a new apply', async () => {
  const view = viewBytes('v', fileSource('s'));
  await call('ApplyFeatureView', applyingView(view, 'intervals'));
  const [start, end] = [messageOf(numberField(1, 1000)), messageOf(numberField(1, 2000))];
  await call(
    'ApplyMaterialization',
    messageOf(bytesField(1, view), bytesField(2, 'intervals'), bytesField(3, start), bytesField(4, end)),
  );
  for (let time = 0; time < 3; time++) {
    const meta = new Message(await call('GetFeatureView', named('v', 'intervals'))).message(2);
    expect(meta.messages(3).map((one) => [one.microseconds(1), one.microseconds(2)])).toEqual([
      [1_000_000_000n, 2_000_000_000n],
    ]);
    await call('ApplyFeatureView', applyingView(view, 'intervals'));
  }
});

describe('errors contain the class that clients raise', () => {
  const lost = (feastClass: string) => ({ code: 5, module: 'feast.errors', class: feastClass });

  test.each([
    ['GetEntity', 'EntityNotFoundException'],
    ['GetDataSource', 'DataSourceObjectNotFoundException'],
    ['GetFeatureView', 'FeatureViewNotFoundException'],
    ['GetAnyFeatureView', 'FeatureViewNotFoundException'],
    ['GetFeatureService', 'FeatureServiceNotFoundException'],
    ['GetSavedDataset', 'SavedDatasetNotFound'],
    ['GetPermission', 'PermissionObjectNotFoundException'],
  ])('%s', async (method, feastClass) => {
    expect(await refused(call(method, named('nope', 'refusals')))).toMatchObject(lost(feastClass));
  });

  test('a Python function, with an alternative', async () => {
    const odfv = messageOf(bytesField(1, messageOf(bytesField(1, 'sum'))));
    expect(await refused(call('ApplyFeatureView', applyingView(odfv, 'refusals', 2)))).toMatchObject({
      code: 12,
      class: 'FeastProviderNotImplementedError',
      message: expect.stringContaining('`source.type: onDemand`'),
    });
  });

  test('an invalid project name, two views with one name, an unsupported type, an invalid message', async () => {
    expect(await refused(call('ApplyEntity', applying(entityBytes('e', 'k'), 'My Repo')))).toMatchObject({ code: 3 });
    await call('ApplyFeatureView', applyingView(viewBytes('twice', fileSource('s')), 'refusals'));
    const stream = messageOf(bytesField(1, messageOf(bytesField(1, 'twice'))));
    expect(await refused(call('ApplyFeatureView', applyingView(stream, 'refusals', 3)))).toMatchObject({
      class: 'ConflictingFeatureViewNames',
    });
    const odd = messageOf(bytesField(1, 'odd'), numberField(2, 44));
    const view = viewBytes('decimal', fileSource('s'), bytesField(4, odd));
    expect(await refused(call('ApplyFeatureView', applyingView(view, 'refusals')))).toMatchObject({
      code: 3,
      message: expect.stringContaining('"odd"'),
    });
    expect(await refused(call('GetEntity', Uint8Array.of(255)))).toMatchObject({ code: 3 });
  });

  test('unsupported methods', async () => {
    expect(await refused(call('GetRegistryLineage'))).toMatchObject({ code: 12 });
    const unknown = (await call('Nope').catch((error: unknown) => error)) as { code: number };
    expect(unknown.code).toBe(12);
  });
});

describe('authentication', () => {
  let guarded: RegistryWorld;
  beforeAll(async () => {
    // Without a token no caller is the owner.
    guarded = await startRegistryWorld(4_000_000_000);
  });
  afterAll(async () => await guarded?.stop());

  test('requires the token', async () => {
    const request = ofProject('default');
    const ask = async (metadata: Readonly<Record<string, string>>) =>
      await guarded.client.call('ListEntities', request, metadata);
    expect(await refused(ask({ authorization: 'Bearer wrong' }))).toMatchObject({
      code: 16,
      class: 'FeastPermissionError',
    });
    expect(await refused(guarded.client.call('Commit', new Uint8Array(), { authorization: 'Bearer x' }))).toMatchObject(
      {
        code: 16,
      },
    );
    expect(Buffer.isBuffer(await ask({ authorization: `Bearer ${OWNER_TOKEN}` }))).toBe(true);
  });

  test('a project in the metadata must match the request', async () => {
    const metadata = { authorization: `Bearer ${OWNER_TOKEN}`, 'dais-project': 'other' };
    expect(await refused(guarded.client.call('ListEntities', ofProject('default'), metadata))).toMatchObject({
      code: 3,
    });
  });

  test('the health check needs no token', async () => {
    expect(await guarded.client.call('/grpc.health.v1.Health/Check')).toEqual(Buffer.from([8, 1]));
  });
});

test('many concurrent clients; a disconnect does not affect others', async () => {
  const clients = Array.from({ length: 20 }, () => registryClient(world.address));
  const calls = clients.flatMap((client) => [client.call('ListEntities', ofProject('bytes')), client.call('Refresh')]);
  clients[0]?.close();
  const ended = await Promise.allSettled(calls);
  expect(ended.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(38);
  for (const client of clients) client.close();
});
