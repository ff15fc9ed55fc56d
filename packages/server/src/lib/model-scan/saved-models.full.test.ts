/** Models as their libraries save them pass the scan, all estimators of scikit-learn among them; what acts while it is loaded does not. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { emptyContent, PickleBytes, scanPickle } from './pickle-scan.ts';
import type { ScanFinding } from './scan-finding.ts';
import { scanFile } from './scan-file.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
let folder: string;
let saved: {
  readonly estimators: readonly string[];
  /** What joblib imports when it loads a file. */
  readonly names: Readonly<Record<string, readonly (readonly [module: string, name: string])[]>>;
};
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
  saved = JSON.parse(stdout.toString('utf8').trim().split('\n').at(-1) ?? '') as typeof saved;
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

it('every estimator of scikit-learn is included', () => {
  expect({ enough: saved.estimators.length > 190, complaints }).toMatchObject({ enough: true });
});

it('models pass, by pickle, cloudpickle and joblib, with code of their author too', () => {
  const models = [...found].filter(([path]) => !path.startsWith('hostile-'));
  expect(models.length).toBeGreaterThan(1000);
  expect(models.flatMap(([path, findings]) => blocked(findings).map((why) => `${path}: ${why}`))).toEqual([]);
  // Models with code of their author are reported, and stay in a separate process.
  for (const path of ['own-function-cloud.pkl', 'own-model-cloud.pkl', 'own-class-cloud.pkl']) {
    expect({ path, rules: found.get(path)?.map(({ rule }) => rule) }).toMatchObject({
      rules: expect.arrayContaining(['pickle-code']) as unknown,
    });
  }
  expect(found.get('own-function-cloud.pkl')?.some(({ detail }) => detail.includes('names os'))).toBe(true);
});

it('the scan follows files of joblib as joblib does: to their end, with the names that it imports', async () => {
  // Protocols below 3 have the names of Python 2, which CPython maps while it loads.
  const renamed = (module: string) => module.replace('__builtin__', 'builtins').replace('copy_reg', 'copyreg');
  const sorted = (names: Iterable<readonly [string, string]>) =>
    [...new Set([...names].map(([module, name]) => `${renamed(module)} ${name}`))].toSorted();
  const files = Object.entries(saved.names);
  expect(files.length).toBeGreaterThan(400);
  for (const [path, names] of files) {
    const bytes = await readFile(join(folder, path));
    const content = emptyContent();
    const from = PickleBytes.of(bytes);
    await scanPickle(from, content);
    expect({ path, end: from.at, names: sorted(content.names.values()) }).toEqual({
      path,
      end: bytes.length,
      names: sorted(names),
    });
  }
});

it('code that starts, connects, reads or evaluates while it is loaded is blocked', () => {
  const hostile = [...found].filter(([path]) => path.startsWith('hostile-'));
  expect(hostile.length).toBeGreaterThan(50);
  expect(hostile.filter(([, findings]) => blocked(findings).length === 0).map(([path]) => path)).toEqual([]);
});
