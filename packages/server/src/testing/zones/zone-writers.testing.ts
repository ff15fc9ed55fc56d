/** Clients that write through the REST API of MLflow and start jobs, and what of it must be stored in the end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Execution, ExecutionAttempt, ExecutionNode } from '@dais/api/executions';
import type { MetricPoint } from '@dais/api/tracking';
import type { UsageRecord } from '@dais/api/usage';
import { until } from './until.testing.ts';
import type { ZoneClient, ZoneRequest } from './zone-client.testing.ts';

const WRITERS = 4;
const BATCHES_PER_RUN = 20;
const METRICS = ['loss', 'accuracy'] as const;
const POINTS = 5;
const PAUSE_MS = 50;
const JOB_EVERY_MS = 1500;
const ENDED_MS = 240_000;

interface LoggedRun {
  readonly id: string;
  /** Acknowledged, of each metric. */
  readonly steps: number[];
}

export interface WriterReport {
  /** Calls that were answered with success. */
  readonly acknowledged: number;
  /** Calls that were sent again. */
  readonly repeated: number;
  /** The longest time in which no write was acknowledged, in ms. */
  readonly longestPauseMs: number;
  readonly runs: number;
  readonly points: number;
}

export class ZoneWriters {
  readonly problems: string[] = [];
  readonly jobs: { readonly id: string; readonly at: number }[] = [];
  readonly #client: ZoneClient;
  readonly #runs: LoggedRun[] = [];
  readonly #working: Promise<unknown>;
  readonly #over = new AbortController();
  #acknowledged = 0;
  #repeated = 0;
  #lastAt = performance.now();
  #longestPauseMs = 0;

  constructor(client: ZoneClient, name: string) {
    this.#client = client;
    const writers = Array.from({ length: WRITERS }, async (_, writer) => await this.#write(`${name}-${writer}`));
    this.#working = Promise.all([...writers, this.#startJobs(name)]);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  async stop(): Promise<void> {
    this.#over.abort();
    await this.#working;
  }

  report(): WriterReport {
    return {
      acknowledged: this.#acknowledged,
      repeated: this.#repeated,
      longestPauseMs: this.#longestPauseMs,
      runs: this.#runs.length,
      points: this.#runs.reduce((sum, { steps }) => sum + steps.length * METRICS.length, 0),
    };
  }

  /** Compares every acknowledged point with what is stored. @returns what is lost or stored twice */
  async lost(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const { id, steps } of this.#runs) {
      for (const metric of METRICS) {
        const path = `/api/v1/tracking/runs/${id}/metrics/${metric}?limit=10000`;
        const found = (await this.#client.all<MetricPoint>(path)).map(({ step }) => step).toSorted((a, b) => a - b);
        const expected = steps.toSorted((a, b) => a - b);
        if (JSON.stringify(found) !== JSON.stringify(expected)) {
          problems.push(`${metric} of ${id}: ${found.length} points, ${expected.length} acknowledged`);
        }
      }
    }
    return problems;
  }

  async #write(name: string): Promise<void> {
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      const { run } = await this.#acknowledge<{ run: { info: { run_id: string } } }>({
        method: 'POST',
        path: '/api/2.0/mlflow/runs/create',
        body: { experiment_id: '0', start_time: 1, run_name: `${name}-${number}` },
      });
      const logged: LoggedRun = { id: run.info.run_id, steps: [] };
      this.#runs.push(logged);
      for (let batch = 0; batch < BATCHES_PER_RUN && !this.#over.signal.aborted; batch += 1) {
        const steps = Array.from({ length: POINTS }, (_, at) => batch * POINTS + at);
        const metrics = METRICS.flatMap((key) =>
          steps.map((step) => ({ key, step, timestamp: 1000 + step, value: step / 3 })),
        );
        await this.#acknowledge({
          method: 'POST',
          path: '/api/2.0/mlflow/runs/log-batch',
          body: { run_id: logged.id, metrics },
        });
        logged.steps.push(...steps);
        await delay(PAUSE_MS);
      }
    }
  }

  /** Each has two steps: the second one reads the output of the first one, which no other attempt can have. */
  async #startJobs(name: string): Promise<void> {
    for (let number = 0; !this.#over.signal.aborted; number += 1) {
      const at = performance.now();
      const step = {
        first: {
          command: ['sh', '-c', 'cat /proc/sys/kernel/random/uuid > out; sleep 5'],
          outputs: { out: { path: 'out', as: 'text' } },
          isolation: 'none',
        },
        second: {
          command: ['sh', '-c', 'printf %s "$DAIS_INPUT_GIVEN" > out'],
          needs: ['first'],
          inputs: { given: { step: 'first', output: 'out' } },
          outputs: { out: { path: 'out', as: 'text' } },
          isolation: 'none',
        },
      };
      const { id } = await this.#acknowledge<Execution>({
        method: 'POST',
        path: '/api/v1/executions',
        body: { name: `${name}-${number}`, steps: step },
        headers: { 'idempotency-key': `${name}-${number}` },
      });
      this.jobs.push({ id, at });
      await delay(JOB_EVERY_MS);
    }
  }

  async #acknowledge<T>(call: ZoneRequest): Promise<T> {
    const answer = await this.#client.must<T>(call, () => (this.#repeated += 1));
    this.#acknowledged += 1;
    const now = performance.now();
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#lastAt);
    this.#lastAt = now;
    return answer;
  }
}

export interface JobReport {
  readonly jobs: number;
  readonly steps: number;
  /** Attempts that ended without success, because a node or its processes were lost; their steps ran again. */
  readonly retried: number;
  readonly problems: readonly string[];
}

/** Waits for the end of the jobs. Each step must have succeeded with exactly one attempt, and the second one must have read its output. */
export async function endedJobs(client: ZoneClient, ids: readonly string[]): Promise<JobReport> {
  const problems: string[] = [];
  let [steps, retried] = [0, 0];
  const get = async <T>(path: string) => await client.must<T>({ method: 'GET', path: `/api/v1/executions/${path}` });
  for (const id of ids) {
    await until(`job ${id} ends`, async () => (await get<Execution>(id)).endedAt !== undefined, ENDED_MS);
    const { state, error } = await get<Execution>(id);
    if (state !== 'succeeded') problems.push(`job ${id} is ${state}: ${error}`);
    const nodes = await client.all<ExecutionNode>(`/api/v1/executions/${id}/nodes?limit=1000`);
    const attempts = await client.all<ExecutionAttempt>(`/api/v1/executions/${id}/attempts?limit=1000`);
    for (const path of ['first', 'second']) {
      const own = attempts.filter(({ node }) => node === path);
      const succeeded = own.filter(({ ending, code }) => ending === 'exit' && code === 0);
      steps += 1;
      retried += own.length - succeeded.length;
      if (succeeded.length !== 1) problems.push(`${path} of ${id} was committed ${succeeded.length} times`);
    }
    const [given, read] = ['first', 'second'].map((path) => textOf(nodes.find((node) => node.path === path)));
    if (given === undefined || given !== read)
      problems.push(`${id}: the first step gave ${given}, the second read ${read}`);
  }
  return { jobs: ids.length, steps, retried, problems };
}

function textOf(node: ExecutionNode | undefined): string | undefined {
  const out = node?.outputs['out'];
  return out !== undefined && 'parameter' in out ? JSON.stringify(out.parameter).replaceAll('\\n', '') : undefined;
}

/** Each attempt of the jobs has one usage record. @returns what has none or several */
export async function usageProblems(client: ZoneClient, ids: readonly string[]): Promise<readonly string[]> {
  const found = new Map<string, number>();
  const records = await client.all<UsageRecord>('/api/v1/usage/records?limit=1000&type=step');
  for (const { source } of records) found.set(source, (found.get(source) ?? 0) + 1);
  const problems: string[] = [];
  for (const id of ids) {
    for (const attempt of await client.all<ExecutionAttempt>(`/api/v1/executions/${id}/attempts?limit=1000`)) {
      const count = found.get(attempt.id) ?? 0;
      if (count !== 1) problems.push(`the attempt ${attempt.id} has ${count} usage records`);
    }
  }
  return problems;
}
