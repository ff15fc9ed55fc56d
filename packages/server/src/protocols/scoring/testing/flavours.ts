/** Models of MLflow's flavors, trained now, behind a gateway; the test compares the predictions with MLflow's. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayWorld } from '#gateway/testing/gateway-world.ts';
import { startMlflowWorld } from '#gateway/testing/mlflow-world.ts';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../../tools/python-env.mjs';

const conformance = fileURLToPath(new URL('../../../../../../conformance/serving/', import.meta.url));
/** In ms; for a busy machine. */
export const FLAVOURS_PATIENCE = 1_200_000;
/** Difference between the number formats of MLflow and Dais. */
const TOLERANCE = 1e-6;

export interface FlavoursWorld {
  readonly gateway: GatewayWorld;
  /** Requests and responses of MLflow, and the responses of the gateway. */
  ask(flavour: string): Promise<{ readonly body: unknown; readonly expected: unknown; readonly answered: unknown }>;
  stop(): Promise<void>;
}

/** `requirements`: the environment for training and for serving. */
export async function startFlavours(
  name: string,
  requirements: string,
  flavours: readonly string[],
): Promise<FlavoursWorld> {
  const environment = await pythonEnvironment(name, join(conformance, requirements));
  const folder = await mkdtemp(join(tmpdir(), 'dais-flavours-'));
  const script = join(conformance, 'flavours.py');
  const env = { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', HF_HUB_OFFLINE: '1' };
  const words = ['-W', 'ignore', script, folder, ...flavours];
  const end = await run(join(environment, 'bin', 'python'), words, { env, cwd: folder, timeoutMs: FLAVOURS_PATIENCE });
  if (end.code !== 0) throw new Error(end.stderr);
  const gateway = await startMlflowWorld({ folder, environment, names: flavours });
  return {
    gateway,
    ask: async (flavour) => {
      const text = await readFile(join(folder, `${flavour}.json`), 'utf8');
      const { body, expected } = JSON.parse(text) as { readonly body: unknown; readonly expected: unknown };
      const answer = await gateway.ask(`/endpoints/${flavour}/invocations`, {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (answer.status !== 200) throw new Error(`${flavour}: ${answer.status} ${answer.bytes.toString('utf8')}`);
      return { body, expected, answered: (answer.json as { readonly predictions: unknown }).predictions };
    },
    stop: async () => {
      await gateway.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Returns where the two differ; numbers may differ by 1e-6. */
export function differences(expected: unknown, answered: unknown, path = ''): string[] {
  if (typeof expected === 'number' && typeof answered === 'number') {
    const isSame = Math.abs(expected - answered) <= TOLERANCE * Math.abs(expected);
    return isSame ? [] : [`${path}: ${expected}, and here ${answered}`];
  }
  if (typeof expected !== 'object' || expected === null || typeof answered !== 'object' || answered === null) {
    return expected === answered ? [] : [`${path}: ${JSON.stringify(expected)}, and here ${JSON.stringify(answered)}`];
  }
  const names = new Set([...Object.keys(expected), ...Object.keys(answered)]);
  return [...names].flatMap((name) =>
    differences(Reflect.get(expected, name), Reflect.get(answered, name), `${path}/${name}`),
  );
}
