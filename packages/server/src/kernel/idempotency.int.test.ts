import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import {
  codeOf,
  manifest,
  OWNER,
  startKernelDatabase,
  startTestKernel,
  type TestKernel,
} from './testing/test-kernel.ts';

let test_: TestDatabase;
let dais: TestKernel;
let keys = 0;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { start: 'none' });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

const freshKey = () => `key ${++keys}`;
const create = (name: string, idempotencyKey: string, spec: object = {}) =>
  dais.call('part.create', { manifest: manifest('Part', name, spec) }, { idempotencyKey });

test('a retry returns the first response and has no effect', async () => {
  const key = freshKey();
  const first = await create('a', key, { extra: { z: 1, a: 2 } });
  await dais.call('part.update', { name: 'a', manifest: manifest('Part', 'a', { size: 9 }) });
  const again = await create('a', key, { extra: { z: 1, a: 2 } });
  expect(JSON.stringify(again)).toBe(JSON.stringify(first));
  expect(await dais.call('part.get', { name: 'a' })).toMatchObject({ spec: { size: 9 }, metadata: { generation: 2 } });
});

test('of many at the same time one does the work, and all get its answer', async () => {
  const key = freshKey();
  const answers = await Promise.all(Array.from({ length: 10 }, () => create('b', key)));
  expect(new Set(answers.map((answer) => answer.metadata.uid)).size).toBe(1);
  expect(answers.every((answer) => answer.metadata.generation === 1)).toBe(true);
});

test('a key belongs to its request', async () => {
  const key = freshKey();
  await create('c', key);
  expect(await codeOf(create('c', key, { size: 2 }))).toBe('idempotency_mismatch');
  expect(await codeOf(create('d', key))).toBe('idempotency_mismatch');
  expect(await codeOf(dais.call('part.delete', { name: 'c' }, { idempotencyKey: key }))).toBe('idempotency_mismatch');
  expect(await codeOf(dais.call('part.get', { name: 'd' }))).toBe('not_found');
});

test('a failure is not stored: the key can be used again', async () => {
  const key = freshKey();
  expect(await codeOf(create('e', key, { uses: ['later'] }))).toBe('reference_not_found');
  await create('later', freshKey());
  expect(await codeOf(create('e', key, { uses: ['later'] }))).toBe('ok');
});

test('keys of two people, and of two projects, are two keys', async () => {
  const key = freshKey();
  await dais.apply([manifest('Project', 'other')]);
  const input = { manifest: manifest('Part', 'f') };
  const one = await dais.call('part.create', input, { idempotencyKey: key });
  const two = await dais.call('part.create', input, { idempotencyKey: key, projects: ['other'] });
  expect(two.metadata.uid).not.toBe(one.metadata.uid);
  const system = { principal: { type: 'system', id: OWNER.id }, idempotencyKey: key } as const;
  expect(await codeOf(dais.call('part.create', input, system))).toBe('already_exists');
});

test('apply and delete repeat too; reads take no notice', async () => {
  const key = freshKey();
  const first = await dais.apply([manifest('Part', 'g')], {}, { idempotencyKey: key });
  expect(await dais.apply([manifest('Part', 'g')], {}, { idempotencyKey: key })).toEqual(first);
  const remove = freshKey();
  const gone = await dais.call('part.delete', { name: 'g' }, { idempotencyKey: remove });
  expect(await dais.call('part.delete', { name: 'g' }, { idempotencyKey: remove })).toEqual(gone);
  expect(await codeOf(dais.call('part.get', { name: 'g' }, { idempotencyKey: remove }))).toBe('not_found');
});

test.each<[string, string]>([
  ['empty', ''],
  ['too long', 'x'.repeat(257)],
  ['with NUL', 'a\0b'],
  ['with a line break', 'a\nb'],
])('rejects a key that is %s', async (_name, key) => {
  expect(await codeOf(create('h', key))).toBe('invalid_request');
});
