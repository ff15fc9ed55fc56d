import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDais } from '#up.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-shared-folder-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

test.each([
  { 'authentication.mode': 'accounts' },
  { host: '0.0.0.0', 'authentication.mode': 'accounts', insecureHttp: true },
])('with %j an artifact folder is rejected before anything starts', async (flags) => {
  const stdout = Object.assign(new Writable({ write: (_chunk, _encoding, done) => done() }), { isTTY: false });
  const start = startDais({
    flags: { port: 0, 'tracking.artifactRoot': `file://${folder}`, ...flags },
    ephemeral: true,
    stdout,
    color: false,
  });
  await expect(start).rejects.toMatchObject({
    code: 'invalid_config',
    message: expect.stringContaining('tracking.artifactRoot'),
  });
});
