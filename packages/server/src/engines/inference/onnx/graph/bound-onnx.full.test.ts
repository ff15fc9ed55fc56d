/** Compares the static bounds with the results of onnxruntime, for exported models and the test cases of the ONNX standard. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../../../tools/python-env.mjs';
import type { Datatype } from '../../contract.ts';
import { OnnxSession, type PlainTensor } from '../onnx-session.ts';
import { boundOnnx } from './bound-onnx.ts';

interface Corpus {
  readonly models: readonly {
    readonly name: string;
    readonly inputs: Readonly<Record<string, readonly [Datatype, number]>>;
    /** Of all nodes. */
    readonly outputs: readonly string[];
  }[];
  readonly cases: readonly { readonly name: string; readonly operator: string; readonly bytes: number }[];
}

const conformance = fileURLToPath(new URL('../../../../../../../conformance/', import.meta.url));
let folder: string;
let corpus: Corpus;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dais-onnx-bounds-'));
  const environment = await pythonEnvironment('explain', path.join(conformance, 'explain', 'requirements.txt'));
  const script = path.join(conformance, 'onnx', 'make_graphs.py');
  const { code, stdout, stderr } = await run(
    path.join(environment, 'bin', 'python'),
    ['-I', '-W', 'ignore', script, folder],
    { env: { PATH: '/usr/bin:/bin', HOME: folder }, timeoutMs: 300_000, maxOutputBytes: 1 << 22 },
  );
  if (code !== 0) throw new Error(stderr);
  corpus = JSON.parse(stdout.toString('utf8')) as Corpus;
}, 900_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const TEXTS = ['red', 'small', 'a value that the model has not seen'];

function randomInput(name: string, [datatype, width]: readonly [Datatype, number], rows: number): PlainTensor {
  const count = rows * width;
  const dims = [rows, width];
  if (datatype === 'BYTES')
    return { name, type: 'string', dims, data: Array.from({ length: count }, (_, at) => TEXTS[at % TEXTS.length]!) };
  return { name, type: 'float32', dims, data: Float32Array.from({ length: count }, (_, at) => Math.sin(at)) };
}

function sizeOf({ data }: PlainTensor): number {
  if (Array.isArray(data)) return (data as readonly string[]).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  return (data as Float32Array).byteLength;
}

test('exported models are bounded, and the total size of all outputs is within the bound', async () => {
  expect(corpus.models.length).toBeGreaterThanOrEqual(30);
  for (const { name, inputs, outputs: allOutputs } of corpus.models) {
    const file = await readFile(path.join(folder, `${name}.onnx`));
    const session = await OnnxSession.open({
      file: path.join(folder, `${name}.exposed.onnx`),
      threads: 1,
      outputs: [],
    });
    for (const rows of [1, 100, 1000]) {
      const bound = boundOnnx(file, { maxBatch: rows });
      if (!bound.bounded) throw new Error(`${name}: ${bound.reason}`);
      const given = Object.entries(inputs).map(([input, spec]) => randomInput(input, spec, rows));
      const outputs = await session.run(given, allOutputs);
      const bytes = outputs.reduce((sum, tensor) => sum + sizeOf(tensor), 0);
      const { peakBytes, loadBytes } = bound;
      expect({ name, rows, isBelow: bytes <= peakBytes - loadBytes }).toEqual({ name, rows, isBelow: true });
    }
    await session.release();
  }
});

test('in cases of the standard no output exceeds the bound, or the reason names the node', async () => {
  let bounded = 0;
  for (const { name, bytes } of corpus.cases) {
    const file = await readFile(path.join(folder, `${name}.onnx`));
    const bound = boundOnnx(file, { maxBatch: 64, maxOpenDimension: 64 });
    if (bound.bounded) bounded += 1;
    const result = bound.bounded ? `up to ${bound.peakBytes - bound.loadBytes} bytes` : bound.reason;
    expect(`${name}: ${result}`).toMatch(/: up to \d+ bytes$|: operator \S+ in node `.*`: |: the input `.*`:? /);
    expect({ name, isBelow: !bound.bounded || bytes <= bound.peakBytes - bound.loadBytes }).toMatchObject({
      isBelow: true,
    });
  }
  // The others have sequences, optional values or 4-bit and 8-bit floats, or use operators that no exporter of inference models
  // writes.
  expect(bounded).toBeGreaterThanOrEqual(1370);
});
