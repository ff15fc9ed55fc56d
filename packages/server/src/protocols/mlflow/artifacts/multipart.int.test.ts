import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import { startMlflowWorld, type Answer, type MlflowWorld } from '#protocols/mlflow/testing/mlflow-fixture.ts';

const authorization = `Bearer ${OWNER_TOKEN}`;
const mpu = '/api/2.0/mlflow-artifacts/mpu';
const artifacts = '/api/2.0/mlflow-artifacts/artifacts';

let world: MlflowWorld;
beforeAll(async () => {
  world = await startMlflowWorld({ accounts: {} });
});
afterAll(async () => await world.stop());

const send = async (method: string, path: string, body?: unknown) =>
  await world.send(method, path, body, { authorization });
const refusal = ({ status, json }: Answer) => [status, json.error_code];

interface Credential {
  readonly url: string;
  readonly part_number: number;
  readonly headers: Record<string, string>;
}

interface Begun {
  readonly upload_id: string;
  readonly credentials: readonly Credential[];
}

const begin = async (folder: string, path: string, parts: number, base = mpu): Promise<Begun> => {
  const { status, json } = await send('POST', `${base}/create/${folder}`, { path, num_parts: parts });
  expect(status).toBe(200);
  return json as Begun;
};
/** Like a client: with the headers of the credential only. */
const putPart = async ({ url, part_number, headers }: Credential, bytes: Buffer) => {
  const { status, headers: reported } = await fetch(url, { method: 'PUT', headers, body: bytes });
  expect(status).toBe(200);
  return { part_number, etag: reported.get('etag') ?? '', url };
};
const read = async (path: string) =>
  Buffer.from(
    await (await fetch(`${world.http.url}${artifacts}/${path}`, { headers: { authorization } })).arrayBuffer(),
  );

test('a file is uploaded in parts and is one file', async () => {
  const parts = [randomBytes(100_000), randomBytes(100_000), randomBytes(17)];
  const { upload_id, credentials } = await begin('1/run/artifacts/sub', 'big.bin', 3);
  expect(credentials.map(({ part_number }) => part_number)).toEqual([1, 2, 3]);
  const result = await Promise.all(credentials.map(async (one, index) => await putPart(one, parts[index]!)));
  const end = { path: 'big.bin', upload_id, parts: result };
  for (let time = 0; time < 2; time += 1) {
    const answer = await send('POST', `${mpu}/complete/1/run/artifacts/sub`, end);
    expect([answer.status, answer.text]).toEqual([200, '{}']);
  }
  expect((await read('1/run/artifacts/sub/big.bin')).equals(Buffer.concat(parts))).toBe(true);
  // Whole already: giving it up changes nothing.
  expect((await send('POST', `${mpu}/abort/1/run/artifacts/sub`, { path: 'big.bin', upload_id })).status).toBe(200);
  expect((await read('1/run/artifacts/sub/big.bin')).length).toBe(200_017);
});

test('the same in another project, and for the MLflow UI', async () => {
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'team' }, spec: {} });
  await send('POST', '/api/v1/apply', { sources: [{ file: 'team.json', text }] });
  const base = '/p/team/ajax-api/2.0/mlflow-artifacts/mpu';
  const { upload_id, credentials } = await begin('1/a', 'f', 1, base);
  expect(credentials[0]?.url).toContain('/p/team/transfer/');
  const part = await putPart(credentials[0]!, Buffer.from('ours'));
  expect(refusal(await send('POST', `${mpu}/complete/1/a`, { path: 'f', upload_id, parts: [part] }))).toEqual([
    404,
    'RESOURCE_DOES_NOT_EXIST',
  ]);
  expect((await send('POST', `${base}/complete/1/a`, { path: 'f', upload_id, parts: [part] })).status).toBe(200);
  expect((await send('GET', `/p/team${artifacts}/1/a/f`)).text).toBe('ours');
  expect((await send('GET', `${artifacts}/1/a/f`)).status).toBe(404);
});

test('an invalid completion is an error of the caller; after an abort the upload is missing', async () => {
  const { upload_id, credentials } = await begin('1/b', 'f', 2);
  const part = await putPart(credentials[0]!, Buffer.from('x'));
  const complete = async (parts: readonly object[], path = 'f') =>
    refusal(await send('POST', `${mpu}/complete/1/b`, { path, upload_id, parts }));
  expect(await complete([part])).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  expect(await complete([part, { ...part, part_number: 2 }])).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  expect(await complete([])).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  expect(await complete([part], 'another')).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  for (let time = 0; time < 2; time += 1) {
    expect((await send('POST', `${mpu}/abort/1/b`, { path: 'f', upload_id })).text).toBe('{}');
  }
  expect(await complete([part])).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
  const late = await fetch(credentials[0]!.url, { method: 'PUT', headers: credentials[0]!.headers, body: 'x' });
  expect(late.status).toBe(401);
});

test.each([
  [{ num_parts: 1 }, 'path'],
  [{ path: 'f' }, 'num_parts'],
  [{ path: 'f', num_parts: 0 }, 'num_parts'],
  [{ path: 'f', num_parts: 10_001 }, 'num_parts'],
  [{ path: 'f', num_parts: 'many' }, 'num_parts'],
])('%j is no beginning', async (body, text) => {
  const answer = await send('POST', `${mpu}/create/1/c`, body);
  expect(refusal(answer)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
  expect(answer.json.message).toContain(text);
});

test('an invalid upload id returns an error', async () => {
  const parts = [{ part_number: 1, etag: 'x' }];
  expect(refusal(await send('POST', `${mpu}/complete/1/c`, { path: 'f', upload_id: 'x', parts }))).toEqual([
    404,
    'RESOURCE_DOES_NOT_EXIST',
  ]);
  expect(refusal(await send('POST', `${mpu}/abort/1/c`, { path: 'f' }))).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});

test.each([
  ['1/c', '..'],
  ['1/c', ''],
  ['1/c', 'a/..'],
  ['1/c', '%2e%2e'],
  ['1/c', 'C:..'],
  ['1/c', 'src%5C..'],
  ['..%2f..%2fetc', 'f'],
  ['1/%252e%252e/x', 'f'],
  ['a%5c..%5cb', 'f'],
])('in %s, the file %j stays inside the folder', async (folder, path) => {
  const answer = await send('POST', `${mpu}/create/${folder}`, { path, num_parts: 1 });
  expect(refusal(answer)).toEqual([400, 'INVALID_PARAMETER_VALUE']);
});

test.each(['/home/me/big.bin', 'C:\\data\\big.bin', 'sub/big.bin'])(
  'older clients send their own path, %s: only its name is used',
  async (path) => {
    const { upload_id, credentials } = await begin('1/d', path, 1);
    const bytes = Buffer.from(path);
    const parts = [await putPart(credentials[0]!, bytes)];
    expect((await send('POST', `${mpu}/complete/1/d`, { path, upload_id, parts })).status).toBe(200);
    expect((await read('1/d/big.bin')).equals(bytes)).toBe(true);
  },
);

test('a link returns the bytes with their headers, also as ranges', async () => {
  const put = await world.send('PUT', `${artifacts}/1/e/f.txt`, 'some bytes', { authorization });
  expect(put.status).toBe(200);
  const { json } = await send('GET', '/api/2.0/mlflow-artifacts/presigned/1/e/f.txt');
  expect(json).toMatchObject({ url: expect.stringContaining(world.http.url), file_size: 10 });
  const headers = { ...(json.headers as Record<string, string>), range: 'bytes=5-9' };
  const part = await fetch(json.url as string, { headers });
  expect([part.status, await part.text()]).toEqual([206, 'bytes']);
  const none = await send('GET', '/api/2.0/mlflow-artifacts/presigned/1/e/none');
  expect(refusal(none)).toEqual([404, 'RESOURCE_DOES_NOT_EXIST']);
});

test('presigned URLs, which Dais does not support, return an error', async () => {
  for (const which of ['upload', 'download']) {
    const answer = await send('POST', `/api/2.0/mlflow/artifacts/presigned-${which}-url`, { run_id: 'x', path: 'f' });
    expect(refusal(answer)).toEqual([501, 'NOT_IMPLEMENTED']);
  }
});
