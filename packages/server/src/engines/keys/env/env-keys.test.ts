import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { keyStoreSuite } from '../suite.ts';
import { openEnvKeys } from './env-keys.ts';

const key = () => randomBytes(32).toString('base64');

keyStoreSuite('env', true, async () => {
  const first = key();
  return {
    keys: openEnvKeys(`main:${first}`),
    addKey: async () => openEnvKeys(`next:${key()}, main:${first}`),
    otherStore: async () => openEnvKeys(key()),
    end: async () => {},
  };
});

describe('the text of the keys', () => {
  test('finds a key by fingerprint when its label changes', async () => {
    const text = key();
    const wrapped = await openEnvKeys(`one:${text}`).wrap(Buffer.alloc(32, 3), 'c');
    expect(await openEnvKeys(text).unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 3));
    expect(await openEnvKeys(`${key()},two:${text}`).unwrap(wrapped, 'c')).toEqual(Buffer.alloc(32, 3));
  });

  const good = key();
  test.each([
    ['empty', ''],
    ['short', randomBytes(16).toString('base64')],
    ['long', randomBytes(33).toString('base64')],
    ['not base64', `${good.slice(0, 20)}!${good.slice(21)}`],
    ['an empty entry', `${good},`],
    ['a label with a space', `my key:${good}`],
    ['the same key twice', `a:${good},b:${good}`],
  ])('rejects an invalid key by its position, without its text: %s', (_name, text) => {
    const thrown = failure(() => openEnvKeys(text));
    expect(thrown).toMatchObject({ code: 'invalid_config' });
    expect(thrown.message).not.toContain(text.slice(-12) || good);
  });

  test('has no key after close', async () => {
    const keys = openEnvKeys(key());
    await keys.close();
    await expect(keys.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
  });
});

function failure(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
