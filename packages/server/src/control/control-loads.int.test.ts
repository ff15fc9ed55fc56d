import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { run } from '#lib/process.ts';
import { loadConfig } from '#config-load.ts';
import type { ControlSetup } from './control-setup.ts';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  [database, folder] = await Promise.all([startTestDatabase([]), mkdtemp(join(tmpdir(), 'dais-loads-'))]);
});
afterAll(async () => {
  await database.stop();
  await rm(folder, { recursive: true });
});

/** Starts and drains a control process; the debugger names every script that it has loaded by then. */
const PROGRAM = `
  import { Session } from 'node:inspector';
  import { Control } from ${JSON.stringify(new URL('control.ts', import.meta.url).href)};
  const quiet = () => {};
  const io = { log: { debug: quiet, info: quiet, warn: quiet, error: console.error }, onPhase: quiet };
  const control = await Control.start(JSON.parse(process.argv[1]), io);
  const session = new Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params }) => console.log(params.url));
  session.post('Debugger.enable', () => void control.drain(1000).then(() => session.disconnect()));
`;

async function loadedScripts(): Promise<string[]> {
  const setup: ControlSetup = {
    config: await loadConfig({
      flags: { data: join(folder, 'data'), 'keys.type': 'file', 'keys.folder': join(folder, 'keys') },
    }),
    connection: database.connection,
    database: { engine: 'embedded', version: '17' },
    port: 0,
    ownerToken: 'token',
    version: '1.0.0',
    startedAt: new Date(0).toISOString(),
  };
  const loader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const args = ['--conditions=dais-source', '--import', loader, '--input-type=module', '--eval', PROGRAM];
  const ended = await run(process.execPath, [...args, JSON.stringify(setup)], {
    env: { PATH: '/usr/bin:/bin' },
    // A busy machine takes minutes to load the sources.
    timeoutMs: 600_000,
  });
  expect(ended).toMatchObject({ code: 0, stderr: '', timedOut: false });
  return ended.stdout.toString('utf8').split('\n');
}

test('no driver is loaded of an engine that the configuration does not name', async () => {
  const scripts = await loadedScripts();
  expect(scripts.some((url) => url.endsWith('engines/blobs/fs/fs-blob-store.ts'))).toBe(true);
  expect(scripts.filter((url) => /@aws-sdk|@smithy|engines\/blobs\/s3|engines\/keys\/kms/.test(url))).toEqual([]);
});
