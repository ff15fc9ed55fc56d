/** For tests: a gateway that serves the MLflow models of a folder, each at an endpoint of the same name. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findModel } from '#engines/inference/model-location.ts';
import { OnnxInference } from '#engines/inference/onnx/onnx-engine.ts';
import { PythonInference } from '#engines/inference/python/python-engine.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from './gateway-world.ts';

export interface MlflowModels {
  readonly folder: string;
  /** The Python environment with the required packages. */
  readonly environment: string;
  /** Default: every folder with an `MLmodel` file. */
  readonly names?: readonly string[];
  /** Limit of each process. */
  readonly memoryBytes?: number;
  /** Time limit of one batch. */
  readonly inferMs?: number;
}

export async function startMlflowWorld({
  folder,
  environment,
  names,
  memoryBytes,
  inferMs,
}: MlflowModels): Promise<GatewayWorld> {
  const dependencies = { clock: systemClock, log: silentLog };
  const world = await startWorld({
    engines: [new OnnxInference(dependencies), new PythonInference(dependencies)],
    files: async ({ name }) => ({ folder: join(folder, name) }),
  });
  const found = names ?? (await modelsIn(folder));
  const models = await Promise.all(
    found.map(async (name) => ({
      ...(await described(folder, name, environment)),
      ...(memoryBytes !== undefined && { memoryBytes }),
      ...(inferMs !== undefined && { inferMs }),
    })),
  );
  const { failed } = await world.gateway.swap(
    snapshot(
      1,
      models,
      found.map((name) => endpoint(name, [['stable', name, 10_000]], { timeoutMs: 120_000 })),
    ),
  );
  if (failed.size > 0) {
    await world.stop();
    throw new Error([...failed].map(([key, reason]) => `${key}: ${reason}`).join('\n'));
  }
  return world;
}

async function modelsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) =>
      entry.isDirectory() && (await readdir(join(folder, entry.name))).includes('MLmodel') ? [entry.name] : [],
    ),
  );
  return found.flat();
}

async function described(folder: string, name: string, environment: string) {
  const files = await findModel({ folder: join(folder, name) });
  const signature = files.type === 'mlmodel' ? files.description['signature'] : undefined;
  return model(name, { environment, ...(signature !== undefined && signature !== null && { signature }) });
}
