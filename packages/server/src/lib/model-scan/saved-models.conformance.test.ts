/** Models as their libraries save them pass the scan, all estimators of scikit-learn among them; what acts while it is loaded does not. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import type { ScanFinding } from './scan-finding.ts';
import { scanFile } from './scan-file.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
let folder: string;
let estimators: readonly string[];
let complaints: string;
const found = new Map<string, readonly ScanFinding[]>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-saved-models-'));
  // The environment of conversions: it has scikit-learn, XGBoost, LightGBM and MLflow.
  const python = await pythonEnvironment('convert', join(conformance, 'convert', 'requirements.txt'));
  const script = join(conformance, 'model-safety', 'save_models.py');
  const { code, stdout, stderr } = await run(join(python, 'bin', 'python'), ['-I', script, folder], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, OMP_NUM_THREADS: '1' },
    timeoutMs: 600_000,
    maxOutputBytes: 1 << 24,
  });
  if (code !== 0) throw new Error(stderr);
  estimators = JSON.parse(stdout.toString('utf8').trim().split('\n').at(-1) ?? '') as typeof estimators;
  complaints = stderr;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => relative(folder, join(one.parentPath, one.name)));
  for (const path of paths) {
    const bytes = await readFile(join(folder, path));
    const read = async (offset: number, length: number) =>
      await Promise.resolve(bytes.subarray(offset, offset + length));
    found.set(path, await scanFile({ path, size: bytes.length, read }, paths));
  }
}, 900_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const blocked = (findings: readonly ScanFinding[]) =>
  findings.filter(({ severity }) => severity === 'block').map(({ rule, detail }) => `${rule}: ${detail}`);

it('every estimator of scikit-learn is among them', () => {
  expect(estimators.length, complaints).toBeGreaterThan(190);
});

it('models pass, by pickle and by cloudpickle, with code of their author too', () => {
  const models = [...found].filter(([path]) => !path.startsWith('hostile-'));
  expect(models.length).toBeGreaterThan(400);
  expect(models.flatMap(([path, findings]) => blocked(findings).map((why) => `${path}: ${why}`))).toEqual([]);
  // What has code of its author says so, and stays in a process of its own.
  for (const path of ['own-function-cloud.pkl', 'own-model-cloud.pkl', 'own-class-cloud.pkl']) {
    expect(
      found.get(path)?.map(({ rule }) => rule),
      path,
    ).toContain('pickle-code');
  }
  expect(found.get('own-function-cloud.pkl')?.some(({ detail }) => detail.includes('names os'))).toBe(true);
});

it('what starts, connects, reads or evaluates while it is loaded does not pass', () => {
  const hostile = [...found].filter(([path]) => path.startsWith('hostile-'));
  expect(hostile.length).toBeGreaterThan(20);
  expect(hostile.filter(([, findings]) => blocked(findings).length === 0).map(([path]) => path)).toEqual([]);
});
