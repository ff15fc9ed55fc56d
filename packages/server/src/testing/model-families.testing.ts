/** For tests: models of each family, logged by MLflow, go through the scan, a deployment and a prediction, as a user would do it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelScan } from '@dais/api/serving';
import { vi } from 'vitest';
import type { DaisProcess } from './dais-process.ts';
import { PYTHON_TIMEOUT, runPython, startPythonDais } from './python-dais.testing.ts';
import { servingClient, type SeenStatus, type ServingClient } from './serving-client.ts';

const conformance = fileURLToPath(new URL('../../../../conformance/', import.meta.url));

export interface ModelFamilies {
  readonly client: ServingClient;
  /** Of its first version, when it has ended. */
  scan(model: string): Promise<ModelScan>;
  /** The request body for MLflow, its prediction, and the prediction of the endpoint for the same request. */
  predict(model: string): Promise<{ readonly body: unknown; readonly expected: unknown; readonly predicted: unknown }>;
  stop(): Promise<void>;
}

/** `environment` and `requirements` (below `conformance/`): what trains them. Deploys all of them. */
export async function startModelFamilies(
  environment: string,
  requirements: string,
  names: readonly string[],
): Promise<ModelFamilies> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-families-'));
  const dais: DaisProcess = await startPythonDais(folder);
  const stop = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  try {
    const url = await dais.ready;
    const client = servingClient(url);
    await runPython({
      name: environment,
      requirements: join(conformance, requirements),
      script: join(conformance, 'model-safety', 'log_models.py'),
      words: [url, folder, ...names],
      folder,
    });
    await Promise.all(names.map(async (name) => await deploy(client, name)));
    return {
      client,
      stop,
      scan: async (model) => await endedScan(client, model),
      predict: async (model) => {
        const request = JSON.parse(await readFile(join(folder, `${model}.json`), 'utf8')) as {
          readonly body: unknown;
          readonly expected: unknown;
        };
        const { status, body } = await client.call('POST', `/endpoints/${model}/invocations`, request.body);
        if (status !== 200) throw new Error(`${model}: ${status} ${JSON.stringify(body)}`);
        return { ...request, predicted: body['predictions'] };
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function endedScan(client: ServingClient, model: string): Promise<ModelScan> {
  const get = async () =>
    (await client.call('GET', `/api/v1/registry/models/${model}/versions/1/scan`)).body as unknown as ModelScan;
  await vi.waitUntil(async () => (await get()).result !== 'pending', { timeout: PYTHON_TIMEOUT, interval: 100 });
  return await get();
}

async function deploy(client: ServingClient, name: string): Promise<void> {
  const { status, body } = await client.call('POST', `/api/v1/serving/endpoints/${name}/deploy`, {
    model: `models:/${name}/1`,
  });
  if (status >= 300) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`);
  const isDecided = ({ conditions = [], rollout }: SeenStatus) => {
    if (rollout !== undefined || conditions.some(({ reason }) => reason === 'RollingOut')) return false;
    return conditions.some(({ type, reason }) => type === 'Ready' && reason !== 'Loading' && reason !== 'Starting');
  };
  // On a busy machine large models wait for each other for minutes.
  const seen = await client.settled(name, isDecided, PYTHON_TIMEOUT);
  if (seen.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') !== true)
    throw new Error(`${name} does not serve: ${JSON.stringify(seen)}`);
}
