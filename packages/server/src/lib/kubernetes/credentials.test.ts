import { expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { Credentials } from './credentials.ts';
import { CredentialError } from './exec-credential.ts';

function fromFile(clock: ManualClock, read: (path: string) => Promise<string>): Credentials {
  const credential = { type: 'token-file', path: 'token', read } as const;
  return new Credentials({ credential }, { clock, environment: {} });
}

test('a token and a certificate are constant and cannot be renewed', async () => {
  const dependencies = { clock: new ManualClock(), environment: {} };
  const token = new Credentials({ credential: { type: 'token', token: 't' } }, dependencies);
  expect(await token.authorization()).toEqual({ token: 't' });
  expect(token.reject(await token.authorization())).toBe(false);
  const certificate = { cert: 'c', key: 'k' };
  const tls = new Credentials({ credential: { type: 'certificate', certificate } }, dependencies);
  expect(await tls.authorization()).toEqual({ certificate });
  expect(await new Credentials({ credential: { type: 'anonymous' } }, dependencies).authorization()).toEqual({});
});

test('a token file is read once a minute, by concurrent calls together, and after a 401', async () => {
  const clock = new ManualClock();
  let reads = 0;
  const credentials = fromFile(clock, async () => {
    reads += 1;
    return await Promise.resolve(`token-${reads}\n`);
  });
  const tokens = async (count: number) =>
    await Promise.all(Array.from({ length: count }, async () => (await credentials.authorization()).token));
  expect(await tokens(5)).toEqual(Array(5).fill('token-1'));
  clock.advance(59_999);
  expect(await tokens(1)).toEqual(['token-1']);
  clock.advance(1);
  expect(await tokens(5)).toEqual(Array(5).fill('token-2'));

  const rejected = await credentials.authorization();
  expect(credentials.reject(rejected)).toBe(true);
  expect(credentials.reject(rejected)).toBe(true);
  expect(await tokens(2)).toEqual(['token-3', 'token-3']);
  // The new one is rejected as well: the user has no access.
  expect(credentials.reject(await credentials.authorization())).toBe(false);
  clock.advance(5_000);
  expect(credentials.reject(await credentials.authorization())).toBe(true);
});

test('a token file that cannot be read leaves the previous token', async () => {
  const clock = new ManualClock();
  let text: string | undefined = 'one';
  const credentials = fromFile(clock, async () => {
    if (text === undefined) throw new Error('it is missing');
    return await Promise.resolve(text);
  });
  expect(await credentials.authorization()).toEqual({ token: 'one' });
  for (const broken of [undefined, '', 'two words']) {
    text = broken;
    clock.advance(60_000);
    expect(await credentials.authorization()).toEqual({ token: 'one' });
  }
  text = undefined;
  const without = fromFile(clock, async () => await Promise.reject(new Error('it is missing')));
  await expect(without.authorization()).rejects.toThrow(CredentialError);
  await expect(without.authorization()).rejects.toThrow('The token file token cannot be used: it is missing.');
});
