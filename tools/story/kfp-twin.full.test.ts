/** The pipeline of the flights in both its forms, on a few days: the manifest, and the script for Kubeflow's unmodified SDK. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from '../command.mjs';
import { pythonEnvironment } from '../python-env.mjs';
import { freePort } from '../quickstart-process.ts';
import { makePeople, type People } from './accounts.mjs';
import { client } from './client.mjs';
import { bringData } from './data.mjs';
import { KilledDais } from './killed-dais.ts';
import { preparePipeline, train, type Result } from './training.mjs';

/** A limit against hanging: packages to train with are downloaded. */
const MOST_MS = 1_800_000;
const example = join(root, 'examples', 'flights');
const PERIOD = { start: '2013-01-01', end: '2013-02-01', frozenEnd: '2013-03-01' };
const CANDIDATES = ['linear', 'lightgbm'];

let folder: string;
let dais: KilledDais;
let people: People;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'twin-'));
  dais = await KilledDais.start({ folder, port: await freePort(), random: Math.random, everyMs: 0 });
  people = await makePeople(dais.url, dais.data, join(example, 'story'));
}, MOST_MS);
afterAll(async () => {
  await dais?.stop();
  rmSync(folder, { recursive: true, force: true });
}, MOST_MS);

/** Runs the script as in a terminal. */
async function runScript(token: string): Promise<{ readonly code: number; readonly output: string }> {
  const environment = await pythonEnvironment('kfp-2-17', join(root, 'conformance', 'kfp', 'requirements.txt'));
  const parameters = Object.entries({
    start: PERIOD.start,
    end: PERIOD.end,
    frozen_end: PERIOD.frozenEnd,
    candidates: CANDIDATES.join(','),
  }).flatMap(([name, value]) => ['--param', `${name}=${value}`]);
  const words = ['-W', 'ignore', join(example, 'kfp', 'pipeline.py'), '--run', dais.url, ...parameters];
  return await runCommand(join(environment, 'bin', 'python'), words, {
    cwd: folder,
    quiet: true,
    env: { DAIS_TOKEN: token, PYTHONDONTWRITEBYTECODE: '1' },
  });
}

interface Node {
  readonly kind: string;
  readonly path: string;
  readonly state: string;
  readonly inputs: Readonly<Record<string, object>>;
  readonly outputs: Readonly<Record<string, { readonly parameter?: unknown }>>;
}

async function stepsOf(run: string): Promise<readonly Node[]> {
  const { items } = await people.trainer.call('GET', `/api/v1/executions/${run}/nodes?limit=100`);
  return (items as readonly Node[]).filter(({ kind }) => kind === 'step');
}

/** Also those of a loop. */
const named = (steps: readonly Node[], name: string) => steps.filter(({ path }) => path.split('/').includes(name));

test(
  'both forms run the same steps, and make the same model with the same measures',
  { timeout: MOST_MS },
  async () => {
    const work = join(folder, 'work');
    mkdirSync(work);
    const say = () => {};
    const source = join(example, 'data', 'slice');
    const { trainer } = people;
    await bringData({ trainer, until: '2013-02', made: 1, source, work, say });
    await trainer.dais(['apply', '-f', join(example, 'story', 'model.yaml')]);
    await preparePipeline(people, work, say);
    const native = await train(trainer, PERIOD, CANDIDATES, 'the manifest', () => {});

    const { code, output } = await runScript(trainer.token);
    if (code !== 0) throw new Error(output);
    const id = output.split('\n').find((line) => /^[0-9a-f-]{36}$/.test(line)) ?? '';
    const [ours, theirs] = [await stepsOf(native.execution), await stepsOf(id)];
    const twin = named(theirs, 'judge')[0]?.outputs['Output']?.parameter as Result;
    // Which version it became and in which run is all that differs.
    const { version, run } = twin;
    expect({ ...native, execution: undefined, version, run }).toEqual({ ...twin, execution: undefined });
    expect([native.version, version]).toEqual(['1', '2']);

    for (const [step, count] of [
      ['train', 2],
      ['judge', 1],
    ] as const) {
      const [here, there] = [named(ours, step), named(theirs, step)];
      expect([here.length, there.length]).toEqual([count, count]);
      const rows = [...here, ...there].map(({ state, inputs }) => ({ state, ...inputs['flights'] }));
      for (const one of rows) expect(one).toMatchObject({ state: 'succeeded', dataset: 'nyc_training', version: 1 });
    }
  },
);

test('a pipeline cannot read rows that its submitter may not read', { timeout: MOST_MS }, async () => {
  const file = join(folder, 'stranger.yaml');
  writeFileSync(
    file,
    `apiVersion: dais.dev/v1
kind: ServiceAccount
metadata: { name: stranger }
spec: { description: May run what they like and read no rows }
---
apiVersion: dais.dev/v1
kind: RoleBinding
metadata: { name: stranger }
spec: { role: editor, serviceAccounts: [stranger] }
---
apiVersion: dais.dev/v1
kind: Policy
metadata: { name: no-rows }
spec:
  cedar: |
    @id("no-rows")
    forbid(principal == Dais::ServiceAccount::"stranger", action == Dais::Action::"dataset:read", resource);
`,
  );
  await people.owner.dais(['apply', '-f', file]);
  const { token } = await people.owner.call('POST', '/api/v1/serviceaccounts/stranger/tokens', { title: 'x', days: 1 });
  expect(client(dais.url, token).token).toBe(token);
  const { code, output } = await runScript(token);
  expect(code).not.toBe(0);
  expect(output).toContain('nyc_training');
  expect(output).toMatch(/may not|403|Forbidden/i);
});
