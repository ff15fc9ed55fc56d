/** Models of CatBoost and modules of PyTorch, in each format that MLflow saves them in, pass the scan. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { scanFile } from './scan-file.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/model-safety/', import.meta.url));
/** In ms; PyTorch is several gigabytes. */
const PATIENCE = 1_200_000;
let folder: string;
let modules: readonly string[];
let failures: readonly string[];
/** Details of what blocks each file. */
const blocked = new Map<string, readonly string[]>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-deep-models-'));
  const environment = await pythonEnvironment('model-libraries', join(conformance, 'requirements.txt'));
  const words = ['-I', '-W', 'ignore', join(conformance, 'save_deep_models.py'), folder];
  const { code, stdout, stderr } = await run(join(environment, 'bin', 'python'), words, {
    env: { PATH: '/usr/bin:/bin', HOME: folder, OMP_NUM_THREADS: '1' },
    timeoutMs: PATIENCE,
    maxOutputBytes: 1 << 24,
  });
  if (code !== 0) throw new Error(stderr);
  ({ modules, failures } = JSON.parse(stdout.toString('utf8').trim().split('\n').at(-1) ?? '') as {
    readonly modules: readonly string[];
    readonly failures: readonly string[];
  });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((one) => one.isFile()).map((one) => relative(folder, join(one.parentPath, one.name)));
  for (const path of paths) {
    const bytes = await readFile(join(folder, path));
    const read = async (offset: number, length: number) =>
      await Promise.resolve(bytes.subarray(offset, offset + length));
    const findings = await scanFile({ path, size: bytes.length, read }, paths);
    blocked.set(
      path,
      findings.filter(({ severity }) => severity === 'block').map(({ rule, detail }) => `${rule}: ${detail}`),
    );
  }
}, PATIENCE);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

it('every standard module of PyTorch is among them', () => {
  expect(failures).toEqual([]);
  expect(modules.length).toBeGreaterThan(130);
});

it('models pass in each format', () => {
  const models = [...blocked].filter(([path]) => !path.startsWith('hostile-'));
  expect(models.length).toBeGreaterThan(350);
  expect(models.filter(([, why]) => why.length > 0)).toEqual([]);
});

it('code that runs while it is loaded is blocked', () => {
  const hostile = [...blocked].filter(([path]) => path.startsWith('hostile-'));
  expect(hostile.map(([path, why]) => [path, why.some((one) => one.includes('system'))])).toEqual([
    ['hostile-module.pth', true],
    ['hostile-old.pth', true],
    ['hostile-state.pth', true],
  ]);
});
