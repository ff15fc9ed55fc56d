/** Runs requested load tests: one at a time, with progress, aborted when the caller stops polling. */
import { DaisError } from '@dais/api';
import type { LoadTest, loadTestOperation } from '@dais/api/serving';
import type { Database } from '#engines/database/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { Log } from '#lib/log.ts';
import { readEndpoint } from '../endpoints/endpoint-rows.ts';
import type { GatewayLink } from '../publishing/gateway-link.ts';
import type { LoadProgress } from './load-plan.ts';
import { runLoad, type LoadTarget } from './load-run.ts';
import { readModels } from '../models/model-rows.ts';
import { runningRollout } from '../rollouts/rollout-rows.ts';

interface LoadInput {
  readonly endpoint: string;
  readonly run: string;
  readonly connections: number;
  readonly rate?: number | undefined;
  readonly seconds: number;
  readonly requests?: number | undefined;
  readonly variant?: string | undefined;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  readonly stop: boolean;
}

export interface LoadTestsDependencies {
  readonly database: Database;
  readonly gateway: GatewayLink;
  readonly log: Log;
  readonly now: () => number;
}

/** The caller has disconnected. */
const UNWATCHED_MS = 10_000;
const KEPT = 20;

interface Run {
  readonly project: string;
  readonly endpoint: string;
  state: LoadTest['state'];
  message: string;
  seen: LoadProgress | undefined;
  cpuMicros: number | undefined;
  polledAt: number;
  readonly ending: AbortController;
}

export class LoadTests {
  readonly #dependencies: LoadTestsDependencies;
  readonly #runs = new Map<string, Run>();
  #turn: Promise<void> = Promise.resolve();

  constructor(dependencies: LoadTestsDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Starts a load test, or reports its progress if `run` exists. @throws DaisError `not_found`, `invalid_state`,
   * `overloaded`.
   */
  async poll({ input, tenant }: CallOf<typeof loadTestOperation>): Promise<LoadTest> {
    const known = this.#runs.get(input.run);
    if (known !== undefined && known.project === tenant.name && known.endpoint === input.endpoint) {
      known.polledAt = this.#dependencies.now();
      if (input.stop) known.ending.abort();
      return present(input, known);
    }
    if ([...this.#runs.values()].some(({ state }) => state === 'running')) {
      throw new DaisError(
        'overloaded',
        'Another load test is running, and two would distort each other. Retry later.',
        {
          retryAfter: 5,
        },
      );
    }
    const run: Run = {
      project: tenant.name,
      endpoint: input.endpoint,
      state: 'running',
      message: '',
      seen: undefined,
      cpuMicros: undefined,
      polledAt: this.#dependencies.now(),
      ending: new AbortController(),
    };
    // Register before the first await: of two concurrent calls only one starts.
    this.#runs.set(input.run, run);
    const target = await this.#target(tenant, input).catch((error: unknown) => {
      this.#runs.delete(input.run);
      throw error;
    });
    for (const [id, { state }] of this.#runs) {
      if (this.#runs.size <= KEPT) break;
      if (state !== 'running') this.#runs.delete(id);
    }
    this.#turn = this.#follow(run, target, input);
    return present(input, run);
  }

  async close(): Promise<void> {
    for (const { ending } of this.#runs.values()) ending.abort();
    await this.#turn;
  }

  async #target(tenant: { readonly id: string; readonly name: string }, input: LoadInput): Promise<LoadTarget> {
    const { database } = this.#dependencies;
    const { variant, endpoint } = input;
    const example = await transact(database, { mode: 'read', projectId: tenant.id }, async (tx) => {
      const row = await readEndpoint(tx, endpoint);
      const rollout = await runningRollout(tx, row.uid);
      const named: Readonly<Record<string, string | null | undefined>> = {
        ...row.active,
        stable: row.stable,
        canary: rollout?.to_model,
      };
      const id = named[variant ?? 'stable'];
      if (id === null || id === undefined) {
        const activeNames = Object.keys(named).filter((name) => named[name] != null);
        const detail = `The endpoint "${endpoint}" has no active variant "${variant ?? 'stable'}". Active variants: ${activeNames.join(', ') || 'none'}.`;
        throw new DaisError('invalid_state', detail);
      }
      return (await readModels(tx, [id])).get(id)?.description.example ?? null;
    });
    const body = input.body === undefined ? example : JSON.stringify(input.body);
    if (body === null) {
      const detail = `The model that serves "${endpoint}" has no input example. Send a body for /invocations (-f FILE).`;
      throw new DaisError('invalid_state', detail);
    }
    return { project: tenant.name, endpoint, variant, body };
  }

  async #follow(run: Run, target: LoadTarget, input: LoadInput): Promise<void> {
    const { gateway, log, now } = this.#dependencies;
    const { connections, rate, requests, seconds } = input;
    const shape = { connections, rate, requests, durationMs: seconds * 1000 };
    const progress = (seen: LoadProgress) => {
      run.seen = seen;
      if (now() - run.polledAt > UNWATCHED_MS) run.ending.abort();
    };
    try {
      const found = await runLoad(gateway, target, shape, { signal: run.ending.signal, progress });
      Object.assign(run, found);
      run.state = run.ending.signal.aborted ? 'canceled' : 'succeeded';
    } catch (error) {
      run.state = 'failed';
      run.message = error instanceof Error ? error.message : String(error);
      log.warn('load test failed', { endpoint: input.endpoint, error });
    }
  }
}

function present({ endpoint, connections, rate }: LoadInput, { state, message, seen, cpuMicros }: Run): LoadTest {
  const seconds = (seen?.elapsedMs ?? 0) / 1000;
  return {
    endpoint,
    state,
    message,
    connections,
    ...(rate !== undefined && { rate }),
    seconds: Math.round(seconds * 10) / 10,
    requests: seen?.requests ?? 0,
    failed: seen?.failed ?? 0,
    late: seen?.late ?? 0,
    requestsPerSecond: seen === undefined || seconds === 0 ? 0 : Math.round((seen.requests / seconds) * 10) / 10,
    p50Ms: seen?.p50Ms ?? null,
    p90Ms: seen?.p90Ms ?? null,
    p99Ms: seen?.p99Ms ?? null,
    cpuMicrosPerRequest: cpuMicros ?? null,
    ...(seen?.failure !== undefined && { failure: seen.failure }),
  };
}
