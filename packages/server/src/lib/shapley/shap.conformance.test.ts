import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { readOnnxTrees, type OnnxTrees } from './onnx-trees.ts';
import { treeShapley, treeSum } from './tree-ensemble.ts';

interface Reported {
  readonly rows: readonly (readonly (number | null)[])[];
  readonly background: readonly (readonly (number | null)[])[];
  /** Rows × features × outputs. */
  readonly values: readonly (readonly (readonly number[])[])[];
  /** For each output. */
  readonly expected: readonly number[];
}

const peer = fileURLToPath(new URL('../../../../../conformance/explain', import.meta.url));
let folder: string;
let reported: Readonly<Record<string, Reported>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-shap-'));
  const environment = await pythonEnvironment('explain', join(peer, 'requirements.txt'));
  const { code, stdout, stderr } = await run(join(environment, 'bin', 'python'), [join(peer, 'trees.py'), folder], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
    timeoutMs: 300_000,
    maxOutputBytes: 32 << 20,
  });
  if (code !== 0) throw new Error(stderr);
  reported = JSON.parse(stdout.toString('utf8')) as Readonly<Record<string, Reported>>;
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const numbers = (row: readonly (number | null)[]) => Float32Array.from(row, (value) => value ?? Number.NaN);

async function treesOf(name: string): Promise<OnnxTrees> {
  const trees = readOnnxTrees(await readFile(join(folder, `${name}.onnx`)));
  if (trees === undefined) throw new Error(`the trees of ${name} cannot be read`);
  return trees;
}

describe.each([
  'sklearn-tree',
  'sklearn-forest',
  'sklearn-boosting',
  'xgboost-regressor',
  'xgboost-binary',
  'lightgbm-regressor',
  'lightgbm-classes',
])('%s', (name) => {
  test('the Shapley values of its ONNX trees are those of shap', async () => {
    const trees = await treesOf(name);
    const { rows, background, values, expected } = reported[name] as Reported;
    const others = background.map(numbers);
    let largest = 0;
    for (const [at, row] of rows.entries()) {
      for (const output of expected.keys()) {
        const ours = treeShapley(trees, numbers(row), others, output);
        const theirs = (values[at] ?? []).map((ofOutputs) => ofOutputs[output] ?? 0);
        const scale = Math.max(...theirs.map(Math.abs));
        for (const [feature, value] of theirs.entries()) {
          largest = Math.max(largest, Math.abs((ours[feature] ?? 0) - value) / scale);
        }
      }
    }
    // Of the largest attribution of the row: shap and ONNX keep leaves in float32, which the sum of 50 trees shows.
    expect(largest).toBeLessThan(1e-6);
    for (const [output, value] of expected.entries()) {
      const mean = others.reduce((sum, other) => sum + treeSum(trees, other, output), 0) / others.length;
      expect(Math.abs(mean - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    }
  });
});
