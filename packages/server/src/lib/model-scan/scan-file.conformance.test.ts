import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { emptyContent, PickleBytes, scanPickle } from './pickle-scan.ts';
import { scanFile } from './scan-file.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
let folder: string;
/** What CPython imported for each pickle. */
let expected: Readonly<Record<string, readonly (readonly [module: string, name: string])[]>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-pickles-'));
  // The environment of the clients of MLflow: it has NumPy and scikit-learn.
  const python = await pythonEnvironment('mlflow', join(conformance, 'mlflow', 'requirements.txt'));
  const script = join(conformance, 'model-safety', 'make_models.py');
  const { code, stdout, stderr } = await run(join(python, 'bin', 'python'), ['-I', script, folder], {
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    timeoutMs: 300_000,
    maxOutputBytes: 1 << 24,
  });
  if (code !== 0) throw new Error(stderr);
  expected = JSON.parse(stdout.toString('utf8')) as typeof expected;
}, 900_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function scan(path: string): Promise<string[]> {
  const bytes = await readFile(join(folder, path));
  const read = async (offset: number, length: number) => await Promise.resolve(bytes.subarray(offset, offset + length));
  const findings = await scanFile({ path, size: bytes.length, read }, [path]);
  return findings.map(({ rule, severity, detail }) => `${severity} ${rule} ${detail}`);
}

it('finds the names that CPython imports, of every protocol', async () => {
  expect(Object.keys(expected)).toHaveLength(60);
  for (const [path, names] of Object.entries(expected)) {
    const content = emptyContent();
    const bytes = await readFile(join(folder, path));
    const from = PickleBytes.of(bytes);
    await scanPickle(from, content);
    expect(from.at).toBe(bytes.length);
    // Protocols below 3 have the names of Python 2, which CPython maps while it loads.
    const old = (module: string) => module.replace('__builtin__', 'builtins').replace('copy_reg', 'copyreg');
    const seen = new Set([...content.names.values()].map(([module, name]) => `${old(module)} ${name}`));
    const expected = new Set(names.map(([module, name]) => `${old(module)} ${name}`));
    expect({ path, seen: [...seen].toSorted() }).toEqual({ path, seen: [...expected].toSorted() });
    expect(content.dynamic).toBe(false);
  }
});

it('passes values, reports models of libraries, blocks code', async () => {
  for (const path of await readdir(folder)) {
    const found = await scan(path);
    const severities = [...new Set(found.map((one) => one.split(' ')[0]))];
    const value = /^(plain|times|containers|numbers|arrays)-|^numbers\.npy$|^arrays\.npz$/.test(path);
    const library = /^(scaler|logistic|forest|boosting|pipeline)-|^lambda\.pkl$|^packed\.joblib$/.test(path);
    const expected = library ? ['review'] : ['block'];
    expect({ path, severities, found }).toEqual({ path, severities: value ? [] : expected, found });
  }
});
