import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTransferWorld, type TransferWorld } from './testing/transfer-world.ts';

let world: TransferWorld;
beforeAll(async () => {
  world = await startTransferWorld();
  await world.apply({ kind: 'Project', metadata: { name: 'other' }, spec: {} });
});
afterAll(async () => await world.stop());

interface Link {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly size: number;
  readonly sha256: string;
}

const write = async (path: string, bytes: Buffer) => {
  const upload = await world.begin(path, 1);
  await world.part(upload, 1, bytes);
  expect((await world.complete(upload, [bytes])).status).toBe(200);
};
const linkTo = async (path: string, more = '') => {
  const { status, body } = await world.call('GET', `artifacts/link?path=${encodeURIComponent(path)}${more}`);
  expect(status).toBe(200);
  return body as unknown as Link;
};
const follow = async ({ url, headers }: Pick<Link, 'url' | 'headers'>, more: Record<string, string> = {}) =>
  await fetch(`${world.http.url}${url}`, { headers: { ...headers, ...more } });
const codeOf = async (response: Response) => ((await response.json()) as { code?: string }).code;

test('a link returns the bytes, completely and in ranges, without another credential', async () => {
  const bytes = randomBytes(300_000);
  await write('a/ä b.bin', bytes);
  const link = await linkTo('a/ä b.bin', '&seconds=60');
  expect(link).toMatchObject({ size: bytes.length, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const whole = await follow(link);
  expect([whole.status, whole.headers.get('accept-ranges')]).toEqual([200, 'bytes']);
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
  const part = await follow(link, { range: 'bytes=1000-1999' });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000-1999/300000']);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
});

test('a link works only with its own ticket, in its project and until it expires', async () => {
  await write('b', Buffer.from('b'));
  const link = await linkTo('b');
  const id = link.url.split('/').at(-1) ?? '';
  const refused: readonly [string, Pick<Link, 'url' | 'headers'>][] = [
    ['another ticket', { ...link, headers: { 'dais-ticket': 'x'.repeat(43) } }],
    ['another link', { ...link, headers: (await linkTo('b')).headers }],
    ['another project', { ...link, url: link.url.replace('/p/default/', '/p/other/') }],
  ];
  for (const [what, other] of refused) {
    const answer = await follow(other);
    expect([what, answer.status, await codeOf(answer)]).toEqual([what, 401, 'unauthenticated']);
  }
  expect((await follow({ ...link, headers: {} })).status).toBe(400);
  await world.expire('artifact_link', id);
  expect((await follow(link)).status).toBe(401);
  await world.clean();
  const rows = await world.http.database.asAdmin(`select 1 from tracking.artifact_link where id = '${id}'`);
  expect(rows).toEqual([]);
});

test('a link does not return the bytes of a replaced artifact', async () => {
  await write('c', Buffer.from('first'));
  const link = await linkTo('c');
  await write('c', Buffer.from('second'));
  const replaced = await follow(link);
  expect([replaced.status, await codeOf(replaced)]).toEqual([412, 'precondition_failed']);
  await world.call('DELETE', 'artifacts?path=c');
  expect((await follow(link)).status).toBe(404);
});

test('missing artifacts, unsafe paths and unlimited durations get no link', async () => {
  const status = async (query: string) => (await world.call('GET', `artifacts/link?${query}`)).status;
  expect(await status('path=not/there')).toBe(404);
  expect(await status('path=..%2Fup')).toBe(422);
  expect(await status('path=a&seconds=0')).toBe(400);
  expect(await status('path=a&seconds=604801')).toBe(400);
});

test('a project can have at most ten thousand valid links', async () => {
  await write('d', Buffer.from('d'));
  const { url } = await linkTo('d');
  await world.http.database.asAdmin(
    `insert into tracking.artifact_link (id, project_id, path, sha256, ticket, expires_at)
     select gen_random_uuid(), project_id, path, sha256, ticket, expires_at
     from tracking.artifact_link, generate_series(1, 10000) where id = '${url.split('/').at(-1)}'`,
  );
  const { status, body } = await world.call('GET', 'artifacts/link?path=d');
  expect([status, body['code']]).toEqual([429, 'rate_limited']);
});
