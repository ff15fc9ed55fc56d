import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyStoreSuite } from '../suite.ts';
import { openCommandKeys } from './command-keys.ts';

/** A key program: implements the protocol for keys in its environment, the current one first. */
const PROGRAM = `
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
const keys = process.env.VAULT.split(',').map((text) => {
  const key = Buffer.from(text, 'base64');
  const fingerprint = createHash('sha256').update('vault').update(key).digest('hex').slice(0, 16);
  return { key, info: { keyId: 'vault/' + fingerprint, fingerprint } };
});
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const request = JSON.parse(Buffer.concat(chunks));
process.stdout.write(JSON.stringify(answer()));
function answer() {
  if (request.version !== 1) return { error: 'unavailable', message: 'unknown version' };
  if (request.operation === 'current') return keys[0].info;
  if (request.operation === 'list') return { keys: keys.map((one) => one.info) };
  if (request.operation === 'wrap') {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', keys[0].key, iv).setAAD(Buffer.from(request.context));
    const sealed = [iv, cipher.update(Buffer.from(request.dataKey, 'base64')), cipher.final(), cipher.getAuthTag()];
    return { ...keys[0].info, wrapped: Buffer.concat(sealed).toString('base64') };
  }
  const held = keys.find((one) => one.info.keyId === request.keyId);
  if (held === undefined) return { error: 'key_missing', message: '' };
  try {
    const wrapped = Buffer.from(request.wrapped, 'base64');
    const cipher = createDecipheriv('aes-256-gcm', held.key, wrapped.subarray(0, 12)).setAAD(Buffer.from(request.context));
    cipher.setAuthTag(wrapped.subarray(-16));
    const dataKey = Buffer.concat([cipher.update(wrapped.subarray(12, -16)), cipher.final()]);
    return { dataKey: dataKey.toString('base64') };
  } catch {
    return { error: 'key_mismatch', message: '' };
  }
}
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-key-program-'));
  await writeFile(join(folder, 'program.mjs'), PROGRAM);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const key = () => randomBytes(32).toString('base64');
const openVault = (vault: string) =>
  openCommandKeys({
    command: [process.execPath, join(folder, 'program.mjs')],
    env: { VAULT: vault },
    timeoutMs: 30_000,
    log: () => {},
  });

keyStoreSuite('command', true, async () => {
  const first = key();
  return {
    keys: openVault(first),
    addKey: async () => openVault(`${key()},${first}`),
    otherStore: async () => openVault(key()),
    end: async () => {},
  };
});

describe('a key program that misbehaves', () => {
  const log: string[] = [];
  const shell = (script: string, timeoutMs = 30_000) =>
    openCommandKeys({
      command: ['/bin/sh', '-c', script],
      env: { PATH: '/usr/bin:/bin' },
      timeoutMs,
      log: (line) => log.push(line),
    });

  test.each([
    ['ends with an error', 'cat >/dev/null; echo "vault sealed" >&2; exit 3', 'exited with code 3'],
    ['returns nothing', 'cat >/dev/null', 'one JSON object'],
    ['returns no JSON', 'echo hello', 'one JSON object'],
    ['returns an incomplete object', 'echo "{\\"keyId\\":\\"k\\"}"', 'fingerprint is missing'],
    [
      'returns a key id with a space',
      'echo "{\\"keyId\\":\\"k k\\",\\"fingerprint\\":\\"0123456789abcdef\\"}"',
      'keyId is missing',
    ],
    [
      'is unavailable',
      'echo "{\\"error\\":\\"unavailable\\",\\"message\\":\\"no quorum\\"}"',
      'its keys are unavailable',
    ],
    ['returns too much output', 'head -c 3000000 /dev/zero', 'one JSON object'],
  ])('%s', async (_name, script, detail) => {
    await expect(shell(script).current()).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining(detail),
    });
  });

  test('that hangs is killed at its time limit', async () => {
    await expect(shell('exec sleep 600', 200).current()).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('within 200 ms'),
    });
  });

  test('does not exist', async () => {
    const keys = openCommandKeys({ command: ['/nowhere/vault'], env: {}, timeoutMs: 5_000, log: () => {} });
    await expect(keys.current()).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('could not be started'),
    });
  });

  test('its standard error reaches the log, never the caller', async () => {
    log.length = 0;
    const failed = shell('echo "token hunter2 expired" >&2; exit 1').current();
    await expect(failed).rejects.not.toMatchObject({ message: expect.stringContaining('hunter2') });
    expect(log).toEqual(['token hunter2 expired']);
  });

  test('rejects a data key of the wrong size', async () => {
    const keys = shell(`echo '{"dataKey":"${Buffer.alloc(16).toString('base64')}"}'`);
    await expect(keys.unwrap({ keyId: 'k', fingerprint: '', wrapped: Buffer.alloc(1) }, 'c')).rejects.toMatchObject({
      code: 'keys_unavailable',
    });
  });
});
