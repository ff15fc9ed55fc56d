/** The compliance checks of scim2-tester, unmodified, against a Dais with a provisioning token. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { ScimWorld } from './testing/scim-world.ts';

/** In ms; the first run also builds the environment. */
const PATIENCE = 300_000;
const folder = fileURLToPath(new URL('../../../../../conformance/scim/', import.meta.url));

let world: ScimWorld;
beforeAll(async () => {
  world = await ScimWorld.start();
});
afterAll(async () => await world?.stop());

interface Check {
  readonly title: string;
  readonly status: string;
  readonly resource: string | null;
  readonly reason: string;
}

test('passes every check', { timeout: PATIENCE }, async () => {
  const environment = await pythonEnvironment('scim', `${folder}requirements.txt`);
  const end = await run(`${environment}/bin/python`, ['-B', '-W', 'ignore', `${folder}check.py`], {
    env: {
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      SCIM_URL: `${world.url}/scim/v2`,
      SCIM_TOKEN: world.token,
    },
    cwd: folder,
    timeoutMs: PATIENCE,
    maxOutputBytes: 8 << 20,
  });
  expect(`${end.code}: ${end.stderr.slice(-2000)}`).toMatch(/^0: /);
  const checks = end.stdout
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Check);
  const failed = checks.filter(({ status }) => !['SUCCESS', 'COMPLIANT', 'ACCEPTABLE', 'SKIPPED'].includes(status));
  expect(failed).toEqual([]);
  const succeeded = checks.filter(({ status }) => status !== 'SKIPPED');
  expect(succeeded.length).toBeGreaterThan(60);
  expect(new Set(succeeded.map(({ resource }) => resource))).toEqual(new Set([null, 'User', 'Group']));
});
