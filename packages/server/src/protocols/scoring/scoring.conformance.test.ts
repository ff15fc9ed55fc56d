/**
 * MLflow's scoring server and Dais get the same requests for the same models; differences are recorded with their
 * reasons.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { GatewayWorld } from '#gateway/testing/gateway-world.ts';
import { startMlflowWorld } from '#gateway/testing/mlflow-world.ts';
import { startPeer, type PeerServer } from '#gateway/testing/peer-server.ts';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { scoringCases, type ScoringCase } from './testing/scoring-cases.ts';

const conformance = fileURLToPath(new URL('../../../../../conformance/', import.meta.url));
const differencesFile = join(conformance, 'serving', 'scoring-differences.json');
/** In ms; for a busy machine. */
const PATIENCE = 600_000;

interface Seen {
  readonly status: number;
  /** `predictions`, or the error code. */
  readonly body: unknown;
}

let folder: string;
let peer: PeerServer | undefined;
let world: GatewayWorld | undefined;
beforeAll(async () => {
  const environment = await pythonEnvironment('mlflow-3-18', join(conformance, 'mlflow', 'requirements.txt'));
  folder = await mkdtemp(join(tmpdir(), 'dais-scoring-'));
  const python = join(environment, 'bin', 'python');
  const end = await run(python, ['-W', 'ignore', join(conformance, 'serving', 'beside_models.py'), folder], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8' },
    cwd: folder,
    timeoutMs: PATIENCE,
  });
  if (end.code !== 0) throw new Error(end.stderr);
  const script = join(conformance, 'serving', 'beside_scoring.py');
  peer = await startPeer(python, ([port]) => ['-W', 'ignore', script, folder, String(port)], {
    ready: '/ready',
    cwd: folder,
  });
  world = await startMlflowWorld({ folder, environment });
}, PATIENCE);
afterAll(async () => {
  await Promise.all([peer?.stop(), world?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

test(
  'every form of request, valid and invalid, gets the response of MLflow, except for recorded differences',
  async () => {
    const differences: Record<string, { mlflow: Seen; dais: Seen }> = {};
    for (const [name, request] of Object.entries(scoringCases)) {
      const body = await bodyOf(request);
      const [mlflow, dais] = [await callMlflow(request, body), await callDais(request, body)];
      if (!same(mlflow, dais)) differences[name] = { mlflow, dais };
    }
    const text = await readFile(differencesFile, 'utf8');
    const known: unknown = JSON.parse(text, (key, value: unknown) => (key === 'why' ? undefined : value));
    expect(differences).toEqual(known);
    expect(Object.keys(scoringCases).length).toBeGreaterThan(100);
  },
  PATIENCE,
);

async function bodyOf({ body }: ScoringCase): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body);
  return await readFile(join(folder, 'tables', `${body.table}.parquet`));
}

async function callMlflow({ model, type }: ScoringCase, body: Buffer): Promise<Seen> {
  const answer = await fetch(`${peer?.url}/${model}/invocations`, {
    method: 'POST',
    headers: { 'content-type': type },
    body: new Uint8Array(body),
  });
  return seen(answer.status, await answer.text());
}

async function callDais({ model, type }: ScoringCase, body: Buffer): Promise<Seen> {
  const answer = await world?.ask(`/endpoints/${model}/invocations`, { body, headers: { 'content-type': type } });
  return seen(answer?.status ?? 0, answer?.bytes.toString('utf8') ?? '');
}

function seen(status: number, text: string): Seen {
  try {
    const value = JSON.parse(text) as { predictions?: unknown; error_code?: unknown };
    return { status, body: status === 200 ? value.predictions : value.error_code };
  } catch {
    return { status, body: status === 415 ? 'text' : text.slice(0, 200) };
  }
}

/** MLflow's code of a caller's error depends on the step that found it. */
function same(mlflow: Seen, dais: Seen): boolean {
  if (mlflow.status !== dais.status) return false;
  if (mlflow.status !== 200) return true;
  return JSON.stringify(mlflow.body) === JSON.stringify(dais.body);
}
