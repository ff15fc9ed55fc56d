/** Whatever a file of joblib is damaged into: what Python would import from it, the scan sees or blocks. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { emptyContent, PickleBytes, PickleError, scanPickle } from './pickle-scan.ts';
import { scanFile } from './scan-file.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
const MUTANTS = 5_000;
const SEED = 20_261_130;

type Names = readonly (readonly [module: string, name: string])[];

interface Mutant {
  readonly bytes: number;
  readonly joblib: Names;
  readonly pickle: Names;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-mutants-'));
  const python = await pythonEnvironment('convert', join(conformance, 'convert', 'requirements.txt'));
  const script = join(conformance, 'model-safety', 'mutate_joblib.py');
  const words = ['-I', script, folder, String(SEED), String(MUTANTS)];
  const { code, stderr } = await run(join(python, 'bin', 'python'), words, {
    env: { PATH: '/usr/bin:/bin', HOME: folder, OMP_NUM_THREADS: '1' },
    timeoutMs: 1_200_000,
  });
  if (code !== 0) throw new Error(stderr);
}, 1_200_000);
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function namesSeen(bytes: Buffer): Promise<ReadonlySet<string>> {
  const content = emptyContent();
  const from = PickleBytes.of(bytes);
  try {
    while (from.at < from.size) await scanPickle(from, content);
  } catch (error) {
    if (!(error instanceof PickleError)) throw error;
  }
  return new Set([...content.names.keys(), ...(content.unlikeJoblib?.names.keys() ?? [])]);
}

it('no name is imported that the scan neither finds nor blocks', async () => {
  const all = await readFile(join(folder, 'mutants'));
  const lines = (await readFile(join(folder, 'names.jsonl'), 'utf8')).trim().split('\n');
  const counts = { mutants: 0, passed: 0, dangerous: 0 };
  const missed: unknown[] = [];
  let at = 0;
  for (const line of lines) {
    const { bytes: size, joblib, pickle } = JSON.parse(line) as Mutant;
    const bytes = all.subarray(at, at + size);
    at += size;
    counts.mutants += 1;
    const read = async (offset: number, length: number) =>
      await Promise.resolve(bytes.subarray(offset, offset + length));
    const findings = await scanFile({ path: 'm.joblib', size, read }, []);
    if ([...joblib, ...pickle].some(([module]) => module === 'os')) counts.dangerous += 1;
    if (findings.some(({ severity }) => severity === 'block')) continue;
    counts.passed += 1;
    const seen = await namesSeen(bytes);
    for (const [reader, names] of Object.entries({ joblib, pickle })) {
      const unseen = names.filter(([module, name]) => !seen.has(`${module} ${name}`));
      if (unseen.length > 0) missed.push({ at: at - size, size, reader, unseen });
    }
  }
  expect(missed).toEqual([]);
  // Batches in which NumPy crashes are shorter; both kinds of mutants are among the rest.
  expect(counts.mutants).toBeGreaterThan(MUTANTS / 4);
  expect(counts.passed).toBeGreaterThan(500);
  expect(counts.dangerous).toBeGreaterThan(20);
});
