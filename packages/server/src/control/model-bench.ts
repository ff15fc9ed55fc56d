/** Loads a model that no endpoint serves, in a separate gateway without other callers. */
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import type { Snapshot } from '@dais/api/gateway';
import type { Isolation } from '#engines/isolation/contract.ts';
import { startGateway, type Gateway } from '#gateway/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { secretDigest } from '#lib/crypto/digests.ts';
import { benchSnapshot, type PredictOnce, type BenchModel, type ModelBench } from '#compose/endpoints.ts';
import { openInference } from '#compose/gateway.ts';
import { servingDoors } from '#compose/serving.ts';
import { programVersion } from '#version.ts';

export interface BenchDependencies {
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly isolation: Isolation;
}

const BENCH = 'bench';
const PATH = `/p/${BENCH}/endpoints/${BENCH}/invocations`;
/** Not part of any prediction: nothing is captured. */
const NUMBER = 4095;

export class GatewayBench implements ModelBench {
  readonly #dependencies: BenchDependencies;
  readonly #token = randomBytes(32).toString('base64url');
  #gateway: Promise<Gateway> | undefined;
  #revision = 0;
  #folders = new Map<string, string>();

  constructor(dependencies: BenchDependencies) {
    this.#dependencies = dependencies;
  }

  async use<T>(model: BenchModel, work: (ask: PredictOnce) => Promise<T>): Promise<T> {
    const gateway = await (this.#gateway ??= this.#open());
    const named = benchSnapshot(model, BENCH);
    const { key } = named.models[0];
    this.#folders.set(key, model.folder);
    try {
      const { failed } = await gateway.swap(this.#snapshot(named));
      const reason = failed.get(key);
      if (reason !== undefined) throw new DaisError('model_unavailable', reason);
      return await work(async (body) => await this.#ask(gateway.port ?? 0, body));
    } finally {
      this.#folders.delete(key);
      await gateway.swap(this.#snapshot({ models: [], endpoints: [] }));
    }
  }

  async close(): Promise<void> {
    await (await this.#gateway)?.drain({ noticeMs: 0, deadlineMs: 0 });
  }

  async #open(): Promise<Gateway> {
    const { folder, clock, log, isolation } = this.#dependencies;
    // What a bench before this one was at, when it was killed.
    await rm(folder, { recursive: true, force: true });
    return await startGateway({
      engines: await openInference({ clock, log, isolation }),
      doors: servingDoors(),
      rpcs: [],
      files: async ({ key }) => await Promise.resolve({ folder: this.#folders.get(key) ?? '' }),
      listen: { port: 0 },
      folder: join(folder, 'gateway'),
      number: NUMBER,
      version: programVersion(),
      clock,
      log,
    });
  }

  #snapshot(named: Pick<Snapshot, 'models' | 'endpoints'>): Snapshot {
    const now = this.#dependencies.clock.now();
    // Of the clock, because a bench before this one left its last.
    this.#revision = Math.max(this.#revision + 1, now);
    const tokens = [
      { hash: secretDigest(this.#token).toString('hex'), principal: BENCH, endpoints: [`${BENCH}/${BENCH}`] },
    ];
    const access = { mode: 'tokens', tokens, offlineMs: Number.MAX_SAFE_INTEGER } as const;
    return { v: 1, revision: this.#revision, at: new Date(now).toISOString(), access, ...named };
  }

  async #ask(port: number, body: string): Promise<{ readonly status: number; readonly body: string }> {
    return await new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` };
      const sent = httpRequest(
        { host: '127.0.0.1', port, path: PATH, method: 'POST', agent: false, headers },
        (answer) => {
          buffer(answer).then(
            (bytes) => resolve({ status: answer.statusCode ?? 0, body: bytes.toString('utf8') }),
            reject,
          );
        },
      );
      sent.once('error', reject);
      sent.end(body);
    });
  }
}
