/** Tests versions on request: loads them next to the served models, one at a time, and unloads them afterwards. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { ModelTest, ModelTestResult, ModelTestRun } from '@dais/api/serving';
import type { Content } from '#kernel/content/content.ts';
import type { Environments } from '#engines/environments/contract.ts';
import type { Lazy } from '#lib/concurrency/lazy.ts';
import type { Log } from '#lib/log.ts';
import { LocalModels } from '../models/local-models.ts';
import type { ModelRow } from '../models/model-rows.ts';
import { runModelTest, type PredictOnce } from './model-tests.ts';

/** Interface: loads a model that no endpoint serves. */
export interface ModelBench {
  /** Runs `work`, then unloads the model. @throws DaisError if it cannot be loaded. */
  use<T>(model: BenchModel, work: (ask: PredictOnce) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface BenchModel {
  readonly row: ModelRow;
  readonly folder: string;
  readonly environment: string | undefined;
  readonly trust: 'trusted' | 'untrusted';
}

export interface TestBenchDependencies {
  readonly bench: Lazy<ModelBench>;
  readonly content: Content;
  readonly environments: () => Promise<Environments>;
  /** Folder for the files of tested models. */
  readonly folder: string;
  readonly log: Log;
  readonly now: () => number;
}

export interface TestRequest {
  readonly row: ModelRow;
  readonly tests: readonly ModelTest[];
  readonly trust: BenchModel['trust'];
}

/** Waiting and active test runs. */
const MOST_RUNS = 20;
/** Results are kept for this time, so that the last poll receives them. */
const KEPT_MS = 10_000;

interface Run {
  state: ModelTestRun['state'];
  message: string;
  readonly results: ModelTestResult[];
  readonly request: TestRequest;
  endedAt: number | undefined;
}

export class TestBench {
  readonly #dependencies: TestBenchDependencies;
  readonly #models: LocalModels;
  readonly #runs = new Map<string, Run>();
  #turn: Promise<void> = Promise.resolve();
  #waiting: (() => void)[] = [];
  #stopped = false;

  constructor(dependencies: TestBenchDependencies) {
    this.#dependencies = dependencies;
    this.#models = new LocalModels({ ...dependencies, changed: () => this.#notify() });
  }

  /** Starts a test run unless it exists; returns its progress. @throws DaisError `overloaded`. */
  poll(request: TestRequest): ModelTestRun {
    const { now } = this.#dependencies;
    for (const [key, { endedAt }] of this.#runs) {
      if (endedAt !== undefined && now() - endedAt > KEPT_MS) this.#runs.delete(key);
    }
    const key = createHash('sha256')
      .update(JSON.stringify([request.row.id, request.tests]))
      .digest('hex')
      .slice(0, 32);
    let run = this.#runs.get(key);
    if (run === undefined) {
      if (this.#runs.size >= MOST_RUNS) {
        throw new DaisError('overloaded', `${MOST_RUNS} versions are being tested, which is the limit. Retry later.`, {
          retryAfter: 5,
        });
      }
      run = { state: 'preparing', message: 'Queued.', results: [], request, endedAt: undefined };
      this.#runs.set(key, run);
      const begun = run;
      this.#turn = this.#turn.then(async () => await this.#follow(key, begun));
    }
    const { state, message, results } = run;
    const { row, tests } = run.request;
    const failed = results.filter(({ passed }) => !passed).length;
    return { model: row.label, state, message, tests: tests.length, failed, results: [...results] };
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#notify();
    await this.#turn;
    await this.#models.close();
    await (await this.#dependencies.bench.opened())?.close();
  }

  async #follow(key: string, run: Run): Promise<void> {
    const { log, now, folder } = this.#dependencies;
    const { row, tests, trust } = run.request;
    try {
      const environment = await this.#fetchModel(key, run);
      run.message = 'Loading the model.';
      const bench = await this.#dependencies.bench.get();
      await bench.use({ row, folder: `${folder}/${key}`, environment, trust }, async (ask) => {
        run.state = 'running';
        for (const test of tests) {
          if (this.#stopped) throw new DaisError('shutting_down', 'The server is shutting down.');
          run.message = test.name;
          run.results.push(await runModelTest(test, row.description.example, ask));
        }
      });
      run.state = 'succeeded';
      run.message = '';
    } catch (error) {
      run.state = 'failed';
      run.message = error instanceof Error ? error.message : String(error);
      if (!(error instanceof DaisError)) log.warn('cannot test a model', { model: row.label, error });
    }
    run.endedAt = now();
    await this.#models.keepOnly(new Set()).catch((error: unknown) => {
      log.warn('cannot remove the files of a tested model', { model: row.label, error });
    });
  }

  async #fetchModel(key: string, run: Run): Promise<string | undefined> {
    for (;;) {
      if (this.#stopped) throw new DaisError('shutting_down', 'The server is shutting down.');
      const local = this.#models.want(key, run.request.row);
      if (local.state === 'here') return local.environment;
      if (local.state === 'failed') throw new DaisError('model_unavailable', local.note);
      run.message = local.note;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #notify(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const notify of waiting) notify();
  }
}
