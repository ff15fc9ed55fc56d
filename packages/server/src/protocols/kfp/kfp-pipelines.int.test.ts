import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';
import { smallPipeline, WRITES } from './testing/small-pipeline.ts';

let world: KfpWorld;
beforeAll(async () => {
  world = await startKfpWorld();
});
afterAll(async () => await world?.stop());

const spec = smallPipeline(WRITES);
const yaml = { name: 'small.yaml', bytes: JSON.stringify(spec) };
const query = (values: Readonly<Record<string, string>>) => `?${new URLSearchParams(values).toString()}`;

test('a pipeline is uploaded, found, gets versions, is run and deleted', async () => {
  const made = await world.upload(
    `/pipelines/upload${query({ name: 'Train & deploy', description: 'all of it' })}`,
    yaml,
  );
  expect(made).toMatchObject({
    status: 200,
    json: {
      pipeline_id: expect.any(String),
      display_name: 'Train & deploy',
      name: 'Train & deploy',
      description: 'all of it',
    },
  });
  const id = made.json.pipeline_id as string;
  expect((await world.get(`/pipelines/${id}`)).json).toEqual(made.json);
  expect((await world.get(`/pipelines/names/${encodeURIComponent('Train & deploy')}`)).json).toEqual(made.json);
  const again = await world.upload(`/pipelines/upload${query({ name: 'Train & deploy' })}`, yaml);
  expect(again).toMatchObject({ status: 409, json: { code: 6 } });
  const filter = JSON.stringify({ predicates: [{ operation: 1, key: 'display_name', stringValue: 'Train & deploy' }] });
  expect((await world.get('/pipelines', { filter })).json).toMatchObject({
    total_size: 1,
    pipelines: [{ pipeline_id: id }],
  });

  const added = await world.upload(
    `/pipelines/upload_version${query({ name: 'second', pipelineid: id, tags: '{"team":"ml"}', code_source_url: 'https://example.com' })}`,
    yaml,
  );
  expect(added).toMatchObject({
    status: 200,
    json: {
      pipeline_id: id,
      display_name: 'second',
      pipeline_spec: spec,
      tags: { team: 'ml' },
      code_source_url: 'https://example.com',
    },
  });
  const version = added.json.pipeline_version_id as string;
  const listed = await world.get(`/pipelines/${id}/versions`, { sort_by: 'created_at desc' });
  expect(listed.json).toMatchObject({
    total_size: 2,
    pipeline_versions: [{ pipeline_version_id: version }, { name: 'Train & deploy' }],
  });
  expect((await world.get(`/pipelines/${id}/versions/${version}`)).json).toEqual(added.json);

  for (const reference of [{ pipeline_id: id, pipeline_version_id: version }, { pipeline_id: id }]) {
    const run = await world.post('/runs', { display_name: 'kept', pipeline_version_reference: reference });
    expect(run.json).toMatchObject({ pipeline_version_reference: { pipeline_id: id, pipeline_version_id: version } });
  }

  expect(await world.delete(`/pipelines/${id}`)).toMatchObject({
    status: 400,
    json: { message: expect.stringContaining('cascade=true') },
  });
  expect((await world.delete(`/pipelines/${id}/versions/${version}`)).json).toEqual({});
  expect((await world.get(`/pipelines/${id}/versions/${version}`)).status).toBe(404);
  expect((await world.delete(`/pipelines/${id}?cascade=true`)).json).toEqual({});
  expect((await world.get(`/pipelines/${id}`)).status).toBe(404);
});

test('a pipeline is created from a message, with and without a version', async () => {
  const bare = await world.post('/pipelines', { display_name: 'Shown', name: 'bare', tags: { a: 'b' } });
  expect(bare).toMatchObject({ status: 200, json: { display_name: 'Shown', name: 'bare', tags: { a: 'b' } } });
  const id = bare.json.pipeline_id as string;
  const version = await world.post(`/pipelines/${id}/versions`, { display_name: 'one', pipeline_spec: spec });
  expect(version).toMatchObject({ status: 200, json: { pipeline_id: id, display_name: 'one' } });
  expect(
    (await world.send('PATCH', `/apis/v2beta1/pipelines/${id}`, { display_name: 'Other' })).json.display_name,
  ).toBe('Other');
  const both = await world.post('/pipelines/create', {
    pipeline: { display_name: 'both' },
    pipeline_version: { pipeline_spec: spec },
  });
  expect((await world.get(`/pipelines/${both.json.pipeline_id}/versions`)).json.total_size).toBe(1);
});

test('a pipeline can be uploaded in an archive', async () => {
  const packed = { name: 'packed.tar.gz', bytes: tarGz('pipeline.yaml', JSON.stringify(spec)) };
  expect((await world.upload('/pipelines/upload', packed)).json).toMatchObject({ display_name: 'packed' });
});

const form = (field: string, text: string) => {
  const made = new FormData();
  made.append(field, new Blob([text]), 'p.yaml');
  return made;
};

test.each([
  ['no form', '{}', 415, 'form'],
  ['a form without the file', form('other', 'x'), 400, 'uploadfile'],
  ['no pipeline', form('uploadfile', 'hello: world'), 400, 'pipelineInfo'],
  ['no YAML', form('uploadfile', '{{{'), 400, ''],
  [
    'an unknown version of the schema',
    form('uploadfile', JSON.stringify({ ...spec, schemaVersion: '9.9.9' })),
    400,
    '2.1.0',
  ],
])('an upload with %s is rejected and leaves no data', async (_, body, status, message) => {
  const answer = await world.send('POST', '/apis/v2beta1/pipelines/upload?name=refused', body);
  expect(answer).toMatchObject({ status, json: { code: 3, message: expect.stringContaining(message) } });
  expect((await world.get('/pipelines/names/refused')).status).toBe(404);
});

test.each([
  ['/pipelines', { description: 'x' }, 400, 'has no name'],
  ['/pipelines/none/versions', { display_name: 'x', pipeline_spec: spec }, 404, 'not found'],
  [
    '/pipelines/create',
    { pipeline: { display_name: 'url' }, pipeline_version: { package_url: { pipeline_url: 'http://127.0.0.1/' } } },
    501,
    'does not fetch pipelines',
  ],
  ['/pipelines/create', { pipeline: { display_name: 'none' } }, 400, 'pipeline_spec is missing'],
])('%s with %j is rejected', async (path, body, status, message) => {
  expect(await world.post(path, body)).toMatchObject({ status, json: { message: expect.stringContaining(message) } });
});

/** An archive of one file, as `tar -cz` writes it. */
function tarGz(name: string, text: string): Uint8Array {
  const header = Buffer.alloc(512);
  const bytes = Buffer.from(text);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        0', 148);
  header.write('ustar', 257);
  header.write('00', 263);
  header.write('0', 156);
  const sum = header.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 32 : byte), 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512);
  return gzipSync(Buffer.concat([header, bytes, padding, Buffer.alloc(1024)]));
}
