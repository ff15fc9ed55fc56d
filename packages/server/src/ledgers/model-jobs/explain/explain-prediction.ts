/**
 * Explains a captured prediction with the version that made it, in the gateway if it is loaded there, or else in a new
 * process.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { explainPredictionOperation, PredictionExplanation } from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { findModelVersion } from '../find-model.ts';
import type { HostedExplanation } from '../hosted-model.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';
import { withExplainable } from '../open-model.ts';
import { explainInGateway } from './explain-in-gateway.ts';
import { capturedInputs, valueOfFeature, type CapturedInputs } from './captured-inputs.ts';

interface ExplainInput {
  readonly endpoint: string;
  readonly id: string;
  readonly output?: number;
}

export class PredictionExplainer {
  readonly #dependencies: ModelJobsDependencies;
  #loading = false;

  constructor(dependencies: ModelJobsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws DaisError `not_found`, `forbidden`, `invalid_state`, `invalid_request`, `overloaded`. */
  async explain(call: CallOf<typeof explainPredictionOperation>): Promise<PredictionExplanation> {
    const { input, tenant } = call;
    await call.authorize({ kind: 'Endpoint', name: input.endpoint }, tenant, 'prediction:read');
    const captured = capturedInputs(await this.#dependencies.prediction(call));
    const gatewayRequest = { project: tenant.name, endpoint: input.endpoint, kept: captured, output: input.output };
    const fromGateway = await explainInGateway(this.#dependencies.gateway, gatewayRequest);
    const found = fromGateway ?? (await this.#load(call, captured));
    return presented(call.input, captured, found, fromGateway === undefined ? 'job' : 'gateway');
  }

  /** One at a time: each has a model in memory. */
  async #load(
    { input, tenant, context }: CallOf<typeof explainPredictionOperation>,
    captured: CapturedInputs,
  ): Promise<HostedExplanation> {
    if (this.#loading)
      throw new DaisError('overloaded', 'Another explanation is loading a model. Retry later.', { retryAfter: 2 });
    this.#loading = true;
    const folder = join(this.#dependencies.folder, `explain-${uuidv7(this.#dependencies.clock.now())}`);
    try {
      if (!/^\d{1,9}$/.test(captured.version)) {
        throw new DaisError('invalid_state', `${captured.model} has no registered version that can be loaded.`);
      }
      const { row } = await findModelVersion(
        this.#dependencies,
        tenant.id,
        `models:/${captured.model}/${captured.version}`,
      );
      await mkdir(folder, { recursive: true, mode: 0o755 });
      const request = { mode: 'read', projectId: tenant.id } as const;
      const io = {
        signal: context.signal,
        read: async <T>(work: Parameters<typeof transact<T>>[2]) =>
          await transact(this.#dependencies.database, request, work),
        note: () => {},
      };
      const how = input.output === undefined ? {} : { outputIndex: input.output };
      return await withExplainable(
        this.#dependencies,
        row,
        folder,
        io,
        async (model) => await model.explainKept(captured, undefined, how),
      );
    } finally {
      this.#loading = false;
      await rm(folder, { recursive: true, force: true });
    }
  }
}

function presented(
  { endpoint, id }: ExplainInput,
  captured: CapturedInputs,
  found: HostedExplanation,
  by: PredictionExplanation['by'],
): PredictionExplanation {
  const { method, scale, background, seed, features } = found;
  return {
    prediction: id,
    endpoint,
    model: captured.model,
    version: captured.version,
    method,
    scale,
    background,
    ...(seed !== undefined && { seed }),
    by,
    rows: Array.from({ length: captured.rows }, (_, row) => {
      const contributions = features.map((feature, index) => ({
        feature,
        // Captured columns have an order of their own.
        value: plain(valueOfFeature(captured.columns, feature, row)),
        contribution: found.attributions[row * features.length + index] ?? 0,
      }));
      const base = found.baselines[row] ?? 0;
      const answer = found.instances[row] ?? 0;
      const error = found.errors[row] ?? Number.NaN;
      const sum = contributions.reduce((total, { contribution }) => total + contribution, 0);
      return {
        row,
        output: found.outputs[row] ?? 0,
        base,
        answer,
        error: Number.isFinite(error) ? error : null,
        gap: answer - base - sum,
        contributions: contributions.toSorted((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution)),
      };
    }),
  };
}

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : (value ?? null);
}
