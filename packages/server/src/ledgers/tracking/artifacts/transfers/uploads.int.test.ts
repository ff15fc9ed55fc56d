import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { OWNER_TOKEN } from '#http/testing/http-fixture.ts';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { etagOf, startTransferWorld, type TransferWorld, type Upload } from './testing/transfer-world.ts';

let world: TransferWorld;
beforeAll(async () => {
  world = await startTransferWorld();
  await world.apply({ kind: 'Project', metadata: { name: 'other' }, spec: {} });
  await world.apply({ kind: 'Project', metadata: { name: 'small' }, spec: { quotas: { blobBytes: 100_000 } } });
});
afterAll(async () => await world.stop());

let made = 0;
const fresh = () => `folder/${(made += 1)}.bin`;
const codeOf = async (response: Response) => ((await response.json()) as { code?: string }).code;
const bytesOf = async (path: string, project?: string) =>
  Buffer.from(await (await world.read(path, project)).arrayBuffer());

test('parts are uploaded with the ticket alone, concurrently and in any order, and become one file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 6 }), async (arrays) => {
      const parts = arrays.map((array) => Buffer.from(array));
      const path = fresh();
      const upload = await world.begin(path, parts.length);
      expect((await world.read(path)).status).toBe(404);
      const answers = await Promise.all(
        parts.map(
          async (_bytes, index) => await world.part(upload, parts.length - index, parts[parts.length - index - 1]!),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(parts.map(() => 200));
      expect(answers[0]!.headers.get('etag')).toBe(`"${etagOf(parts.at(-1)!)}"`);
      const whole = Buffer.concat(parts);
      expect(await world.complete(upload, parts)).toEqual({
        status: 200,
        body: { path, size: whole.length, sha256: etagOf(whole) },
      });
      expect((await bytesOf(path)).equals(whole)).toBe(true);
    }),
    { numRuns: 12 },
  );
});

test('a repeated part is replaced, and the completion lists the last ETags', async () => {
  const path = fresh();
  const upload = await world.begin(path, 2);
  for (const bytes of ['first', 'other', 'again']) await world.part(upload, 1, bytes);
  await world.part(upload, 2, ' and two');
  const stale = await world.complete(upload, ['first', ' and two']);
  expect([stale.status, stale.body['code']]).toEqual([400, 'invalid_request']);
  expect((await world.complete(upload, ['again', ' and two'])).status).toBe(200);
  expect((await bytesOf(path)).toString()).toBe('again and two');
});

test('the completion can be repeated, also concurrently, and no further parts are accepted', async () => {
  const path = fresh();
  const parts = [randomBytes(200_000), randomBytes(100)];
  const upload = await world.begin(path, 2);
  for (const [index, bytes] of parts.entries()) await world.part(upload, index + 1, bytes);
  const answers = await Promise.all([1, 2, 3, 4].map(async () => await world.complete(upload, parts)));
  const [first] = answers;
  expect(first?.status).toBe(200);
  for (const answer of answers) expect(answer).toEqual(first);
  expect(await world.complete(upload, parts)).toEqual(first);
  const late = await world.part(upload, 1, 'late');
  expect([late.status, await codeOf(late)]).toEqual([409, 'invalid_state']);
  // Already completed: nothing is aborted, and the artifact remains.
  expect((await world.call('DELETE', `artifact-uploads/${upload.id}`)).body).toEqual({ aborted: false });
  expect((await bytesOf(path)).equals(Buffer.concat(parts))).toBe(true);
});

test.each([
  ['a part that was not uploaded', [1, 2, 3], 'part 3 was not uploaded'],
  ['fewer parts than the upload has', [1, 2], 'is missing'],
  ['another order', [2, 1, 3], 'has the number 2'],
  ['a part twice', [1, 1, 2], 'has the number 1'],
  ['an unknown number', [0, 1, 2], 'has the number 0'],
])('a completion that lists %s is rejected', async (_what, numbers, text) => {
  const upload = await world.begin(fresh(), 3);
  const bytes = (number: number) => `part ${number}`;
  for (const number of [1, 2]) await world.part(upload, number, bytes(number));
  const parts = numbers.map((number) => ({ number, etag: `"${etagOf(bytes(number))}"` }));
  const { status, body } = await world.call('POST', `artifact-uploads/${upload.id}/complete`, { parts });
  expect([status, body['code']]).toEqual([400, 'invalid_request']);
  expect(JSON.stringify(body)).toContain(text);
});

test('an ETag of other bytes is rejected', async () => {
  const upload = await world.begin(fresh(), 1);
  await world.part(upload, 1, 'these');
  const { status, body } = await world.complete(upload, ['those']);
  expect([status, body['code']]).toEqual([400, 'invalid_request']);
  expect((await world.complete(upload, ['these'])).status).toBe(200);
});

test('a part needs the ticket of its upload, in its project and until it expires', async () => {
  const upload = await world.begin(fresh(), 1);
  const foreign = await world.begin(fresh(), 1);
  const unlike: readonly [string, Upload][] = [
    ['no ticket of anybody', { ...upload, ticket: 'x'.repeat(43) }],
    ['of another upload', { ...upload, ticket: foreign.ticket }],
    ['in another project', { ...upload, url: upload.url.replace('/p/default/', '/p/other/') }],
    ['of an upload that there is not', { ...upload, url: upload.url.replace(upload.id, foreign.id) }],
  ];
  for (const [what, other] of unlike) {
    const answer = await world.part(other, 1, 'bytes');
    expect([what, answer.status, await codeOf(answer)]).toEqual([what, 401, 'unauthenticated']);
  }
  const none = await fetch(`${world.http.url}${upload.url}/1`, { method: 'PUT', body: 'bytes' });
  expect([none.status, await codeOf(none)]).toEqual([400, 'invalid_request']);
  // No page sends parts from a browser.
  const page = await fetch(`${world.http.url}${upload.url}/1`, {
    method: 'PUT',
    headers: { 'dais-ticket': upload.ticket, origin: 'https://elsewhere.example' },
    body: 'bytes',
  });
  expect([page.status, await codeOf(page)]).toEqual([403, 'origin_refused']);
  await world.expire('artifact_upload', upload.id);
  const expired = await world.part(upload, 1, 'bytes');
  expect([expired.status, await codeOf(expired)]).toEqual([401, 'unauthenticated']);
  expect((await world.complete(upload, ['bytes'])).status).toBe(404);
});

test('uploads cannot be started, completed or aborted without a credential', async () => {
  const upload = await world.begin(fresh(), 1);
  const at = `${world.http.url}/api/v1/tracking/artifact-uploads`;
  const sent: readonly [string, string, object | undefined][] = [
    ['POST', at, { path: 'x', parts: 1 }],
    ['POST', `${at}/${upload.id}/complete`, { parts: [{ number: 1, etag: 'x' }] }],
    ['DELETE', `${at}/${upload.id}`, undefined],
  ];
  for (const [method, url, body] of sent) {
    const answer = await fetch(url, {
      method,
      headers: { 'dais-ticket': upload.ticket, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    expect([method, answer.status]).toEqual([method, 401]);
  }
});

test('an upload belongs to its project', async () => {
  const upload = await world.begin(fresh(), 1);
  await world.part(upload, 1, 'x');
  expect((await world.complete(upload, ['x'], 'other')).status).toBe(404);
  expect((await world.call('DELETE', `artifact-uploads/${upload.id}`, undefined, 'other')).body).toEqual({
    aborted: false,
  });
  expect((await world.complete(upload, ['x'])).status).toBe(200);
});

test('an aborted upload accepts no parts and no completion, and can be aborted again', async () => {
  const upload = await world.begin(fresh(), 1);
  await world.part(upload, 1, 'x');
  const abort = async () => (await world.call('DELETE', `artifact-uploads/${upload.id}`)).body;
  expect(await abort()).toEqual({ aborted: true });
  expect(await abort()).toEqual({ aborted: false });
  expect((await world.part(upload, 1, 'x')).status).toBe(401);
  const { status, body } = await world.complete(upload, ['x']);
  expect([status, body['code']]).toEqual([404, 'not_found']);
});

test.each([0, 4, 10_001, 99_999, '01', '1x', '-1', 'x'])('part %s of three is rejected', async (number) => {
  const answer = await world.part(await world.begin(fresh(), 3), number, 'x');
  expect([answer.status, await codeOf(answer)]).toEqual([400, 'invalid_request']);
});

test.each([0, 10_001, 1.5, -1])('an upload of %s parts is rejected', async (parts) => {
  const { status, body } = await world.call('POST', 'artifact-uploads', { path: 'x', parts });
  expect([status, body['code']]).toEqual([400, 'invalid_request']);
});

test.each(['../a', '/a', 'a//b', 'a/./b', 'a/..', 'a\\b', 'a\nb', 'a/'])(
  'the path %j is rejected before any upload',
  async (path) => {
    const { status, body } = await world.call('POST', 'artifact-uploads', { path, parts: 1 });
    expect([status, body['code']]).toEqual([422, 'unsafe_path']);
  },
);

test('parts and uploads beyond the size limits are rejected', async () => {
  const upload = await world.begin(fresh(), 2);
  // The recorded size of the uploaded parts.
  await world.part(upload, 1, 'x');
  await world.http.database.asAdmin(
    `update tracking.artifact_upload_part set size = ${10_000 * 16 * 2 ** 20 - 10} where upload = '${upload.id}'`,
  );
  expect((await world.part(upload, 2, 'x'.repeat(10))).status).toBe(200);
  const answer = await world.part(upload, 2, 'x'.repeat(11));
  expect([answer.status, await codeOf(answer)]).toEqual([413, 'too_large']);
});

test('parts count against the quota, and the completed file replaces them', async () => {
  const path = fresh();
  const parts = [randomBytes(45_000), randomBytes(45_000)];
  const upload = await world.begin(path, 2, 'small');
  for (const [index, bytes] of parts.entries()) {
    expect((await world.part(upload, index + 1, bytes)).status).toBe(200);
  }
  const beside = await world.begin(fresh(), 1, 'small');
  const refused = await world.part(beside, 1, randomBytes(20_000));
  expect([refused.status, await codeOf(refused)]).toEqual([403, 'quota_exceeded']);
  // Parts and whole together would be 180,000 bytes.
  expect((await world.complete(upload, parts, 'small')).status).toBe(200);
  expect((await bytesOf(path, 'small')).equals(Buffer.concat(parts))).toBe(true);
  expect((await world.part(beside, 1, randomBytes(5000))).status).toBe(200);
});

test('an interrupted part is not stored', async () => {
  const upload = await world.begin(fresh(), 1);
  const socket = connect(world.http.port, '127.0.0.1');
  const head = `PUT ${upload.url}/1 HTTP/1.1\r\nhost: localhost\r\ndais-ticket: ${upload.ticket}\r\ncontent-length: 1000\r\n\r\n`;
  socket.write(`${head}half`, () => socket.destroy());
  await once(socket, 'close');
  await expect.poll(() => world.http.server.running).toBe(0);
  const { status, body } = await world.complete(upload, ['half']);
  expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining('part 1 was not uploaded')]);
});

test('a project can have at most a thousand open uploads', async () => {
  const upload = await world.begin(fresh(), 1, 'other');
  await world.http.database.asAdmin(
    `insert into tracking.artifact_upload (id, project_id, path, parts, ticket, expires_at)
     select gen_random_uuid(), project_id, path, parts, ticket, expires_at
     from tracking.artifact_upload, generate_series(1, 999) where id = '${upload.id}'`,
  );
  const { status, body } = await world.call('POST', 'artifact-uploads', { path: 'x', parts: 1 }, 'other');
  expect([status, body['code']]).toEqual([429, 'rate_limited']);
  await world.call('DELETE', `artifact-uploads/${upload.id}`, undefined, 'other');
  expect((await world.call('POST', 'artifact-uploads', { path: 'x', parts: 1 }, 'other')).status).toBe(201);
});

test('tickets occur neither in the log nor in metrics', async () => {
  const upload = await world.begin(fresh(), 1);
  await world.part(upload, 1, 'x');
  await world.part({ ...upload, ticket: `${upload.ticket}x` }, 1, 'x');
  await expect.poll(() => world.http.finished.filter(({ path }) => path.includes(upload.id)).length).toBe(2);
  expect(JSON.stringify([world.http.logged, world.http.finished])).not.toContain(upload.ticket);
});

test('expired uploads are deleted with their parts, and completed artifacts are kept', async () => {
  const path = fresh();
  const kept = await world.begin(path, 1);
  await world.part(kept, 1, 'kept for good');
  await world.complete(kept, ['kept for good']);
  const before = await world.clean();
  const left = await world.begin(fresh(), 2);
  for (const number of [1, 2]) await world.part(left, number, randomBytes(1000));
  expect(await world.clean()).toBe(before + 2);
  await world.expire('artifact_upload', left.id);
  await world.expire('artifact_upload', kept.id);
  expect(await world.clean()).toBe(before);
  expect((await bytesOf(path)).toString()).toBe('kept for good');
});

test('uploads are deleted with their project', async () => {
  await world.apply({ kind: 'Project', metadata: { name: 'brief' }, spec: {} });
  const upload = await world.begin(fresh(), 1, 'brief');
  await world.part(upload, 1, 'x');
  const gone = await fetch(`${world.http.url}/api/v1/projects/brief`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${OWNER_TOKEN}` },
  });
  expect(gone.status).toBeLessThan(300);
});
