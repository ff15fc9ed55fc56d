/** Models saved by MLflow, for the suite of inference engines. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';
import type { Datatype, InferenceEngine } from '../contract.ts';
import { inferenceSuite } from '../suite.ts';

const conformance = fileURLToPath(new URL('../../../../../../conformance/', import.meta.url));
const NAMES: Partial<Record<Datatype, string>> = {
  BOOL: 'bool',
  UINT64: 'uint64',
  INT8: 'int8',
  INT64: 'int64',
  FP16: 'float16',
  FP64: 'float64',
  BYTES: 'str',
};

export interface PythonModels {
  /** One model in each of its folders. */
  readonly folder: string;
  readonly environment: string;
}

/** Saves the models once for all tests of a file, and removes them afterwards. */
export function pythonModels(): () => Promise<PythonModels> {
  let made: Promise<PythonModels> | undefined;
  afterAll(async () => {
    if (made !== undefined) await rm((await made).folder, { recursive: true });
  });
  return async () => await (made ??= save());
}

async function save(): Promise<PythonModels> {
  const environment = await pythonEnvironment('mlflow-3-18', path.join(conformance, 'mlflow', 'requirements.txt'));
  const folder = await mkdtemp(path.join(tmpdir(), 'dais-pyfunc-'));
  await mkdir(path.join(folder, 'empty'));
  const end = await run(
    path.join(environment, 'bin', 'python'),
    ['-W', 'ignore', path.join(conformance, 'inference', 'models.py'), folder],
    {
      env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
      cwd: folder,
      timeoutMs: 240_000,
    },
  );
  expect(end).toMatchObject({ code: 0 });
  return { folder, environment };
}

export function pythonSuite(name: string, engine: InferenceEngine, models: () => Promise<PythonModels>): void {
  describe(name, () => {
    inferenceSuite(name, async () => {
      const { folder, environment } = await models();
      const files = (model: string) => ({ folder: path.join(folder, model) });
      return {
        engine,
        options: { trust: 'trusted', environment },
        identity: async (datatype) => files(`identity-${NAMES[datatype]}`),
        datatypes: Object.keys(NAMES) as Datatype[],
        weighted: files('weighted'),
        minusMean: files('mean'),
        broken: files('broken'),
        empty: files('empty'),
        end: async () => {},
      };
    });
  });
}
