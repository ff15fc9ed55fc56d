/** Runs and artifacts of trainings, created through the native interface. */
import type { Experiment, Run } from '../packages/api/src/tracking/index.ts';
import type { Journey } from './journey.ts';

const TRACKING = '/api/v1/tracking';

export async function makeExperiment(journey: Journey, name: string, tags: object = {}): Promise<string> {
  const { id } = (await journey.call(`${TRACKING}/experiments`, { name, tags })) as Experiment;
  return id;
}

export interface Training {
  readonly name: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  /** By name, one value for each step. */
  readonly metrics?: Readonly<Record<string, readonly number[]>>;
  /** Milliseconds since 1970. */
  readonly startedAt?: number;
  /** Absent: it is running. */
  readonly status?: 'FINISHED' | 'FAILED' | 'KILLED';
}

/** A run with all its logged data. Steps are a second apart. */
export async function train(journey: Journey, experimentId: string, training: Training): Promise<string> {
  const { name, params = {}, tags = {}, metrics = {}, startedAt = Date.now(), status } = training;
  const run = (await journey.call(`${TRACKING}/runs`, { experimentId, name, startedAt, user: 'ada', tags })) as Run;
  await journey.call(`${TRACKING}/runs/${run.id}/log`, {
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
    metrics: Object.entries(metrics).flatMap(([key, values]) =>
      values.map((value, step) => ({ key, value, step, timestamp: startedAt + step * 1000 })),
    ),
  });
  if (status !== undefined) {
    await journey.call(`${TRACKING}/runs/${run.id}`, { status, endedAt: startedAt + 90_000 });
  }
  return run.id;
}

/** Uploads a file as an artifact of a run. */
export async function putArtifact(
  journey: Journey,
  path: string,
  bytes: string | Uint8Array<ArrayBuffer>,
): Promise<void> {
  const address = `${journey.projectUrl}${TRACKING}/artifacts/content?path=${encodeURIComponent(path)}`;
  const response = await fetch(address, { method: 'PUT', body: bytes });
  if (!response.ok) throw new Error(await response.text());
}
