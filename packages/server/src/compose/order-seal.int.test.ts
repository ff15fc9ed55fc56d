import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFileKeys } from '#engines/keys/file/file-keys.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { orderSeal } from './order-seal.ts';

let folder: string;
let keys: KeyStore;
const open = async () =>
  await openFileKeys({
    folder: join(folder, 'keys'),
    dataFolder: join(folder, 'data'),
    now: Date.now,
    announce: () => {},
  });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-order-seal-'));
  keys = await open();
});
afterAll(async () => {
  await keys.close();
  await rm(folder, { recursive: true });
});

const order = Buffer.from(JSON.stringify({ secretVariables: { PASSWORD: 'hunter2' } }));

test('any process opens an order under its name, also after a rotation of keys', async () => {
  const sealed = await orderSeal(keys).seal(order, 'dais/a/order-1');
  expect(sealed.includes('hunter2')).toBe(false);
  await keys.rotate();
  const other = await open();
  expect(await orderSeal(other).open(sealed, 'dais/a/order-1')).toEqual(order);
  await expect(orderSeal(other).open(sealed, 'dais/b/order-1')).rejects.toMatchObject({ code: 'key_mismatch' });
  await other.close();
});

test('rejects every changed byte, and every length', async () => {
  const seal = orderSeal(keys);
  const sealed = await seal.seal(Buffer.from('order'), 'name');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    const result = await seal.open(changed, 'name').then(
      (opened) => opened.toString(),
      (error: unknown) => (error as { readonly code?: string }).code,
    );
    // Some bits of the header have no meaning, as the last ones of Base64.
    expect(['order', 'key_mismatch', 'key_missing']).toContain(result);
    const shorter = seal.open(sealed.subarray(0, at), 'name');
    await expect(shorter).rejects.toMatchObject({ code: 'key_mismatch' });
  }
});
