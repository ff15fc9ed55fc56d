/** Explains rows for other ledgers with a version loaded for them: one at a time, with limits of rows and time. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { ModelImportance } from '@dais/api/serving';
import type { Cell } from '#engines/query/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import { chooseInputs } from '../job-data.ts';
import { tableOfRows, type InputColumn } from '../batch/predict-rows.ts';
import { findModelVersion } from '../find-model.ts';
import type { HostedExplanation, ExplainableModel, HostedTable, ExplainOptions } from '../hosted-model.ts';
import { AttributionSizes, rowsAtOnce } from '../importance/attribution-sizes.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';
import { withExplainable } from '../open-model.ts';

/** Failed rows after which the explanation stops if no row succeeded. */
const MOST_REFUSED = 20;
/** Extra time for the last row; then the process of the model is terminated. */
const ONE_ANSWER_MS = 60_000;

export interface RowsToExplain {
  readonly columns: readonly InputColumn[];
  readonly rows: readonly (readonly Cell[])[];
  /** The format of captured predictions, or of datasets. */
  readonly kept: boolean;
}

export interface ExplainedSizes extends Pick<ModelImportance, 'method' | 'scale' | 'features'> {
  /** Rows that were explained within the time limit. */
  readonly rows: number;
  /** Rows that the model rejects, with the reasons. */
  readonly refused: number;
  readonly refusal: string | undefined;
  readonly background: number;
}

export interface VersionToExplain {
  /** Number of usable background rows in the input example; 0: none. */
  exampleRows(): Promise<number>;
  /** Returns the columns of a dataset version that the model accepts. @throws DaisError `invalid_request`. */
  inputsOf(version: DatasetVersion): readonly string[];
  /** Uses `background`, or the input example of the model. @throws DaisError if no row could be explained. */
  sizes(
    rows: RowsToExplain,
    background: RowsToExplain | undefined,
    how: { readonly seconds: number; readonly mostBackground: number },
  ): Promise<ExplainedSizes>;
}

export interface ExplainRows {
  readonly projectId: string;
  readonly model: string;
  readonly version: string;
  /** Folder of the caller, which is cleared for each explanation. */
  readonly requester: string;
  readonly signal: AbortSignal;
}

export class RowsExplainer {
  readonly #dependencies: ModelJobsDependencies;
  /** One at a time: each has a model in memory. */
  readonly #slots = new Semaphore(1);

  constructor(dependencies: ModelJobsDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws DaisError `not_found`, `invalid_state`, `invalid_request` for a version that cannot be explained. */
  async withVersion<T>(requested: ExplainRows, work: (version: VersionToExplain) => Promise<T>): Promise<T> {
    const { projectId, model, version, requester, signal } = requested;
    if (!/^\d{1,9}$/.test(version)) {
      throw new DaisError('invalid_state', `${model} has no registered version ${version} that can be loaded.`);
    }
    return await this.#slots.run(async () => {
      const dependencies = this.#dependencies;
      const folder = join(dependencies.folder, `explain-${requester}`);
      await rm(folder, { recursive: true, force: true });
      try {
        const { row } = await findModelVersion(dependencies, projectId, `models:/${model}/${version}`);
        await mkdir(folder, { recursive: true, mode: 0o755 });
        const request = { mode: 'read', projectId } as const;
        const io = {
          signal,
          read: async <R>(ask: Parameters<typeof transact<R>>[2]) =>
            await transact(dependencies.database, request, ask),
          note: () => {},
        };
        return await withExplainable(dependencies, row, folder, io, async (hosted) => {
          return await work({
            exampleRows: async () => await hosted.exampleRows(),
            inputsOf: (data) => chooseInputs(undefined, row, data),
            sizes: async (rows, background, how) => await this.#sizes(hosted, rows, background, { ...how, signal }),
          });
        });
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }, signal);
  }

  async #sizes(
    hosted: ExplainableModel,
    sample: RowsToExplain,
    background: RowsToExplain | undefined,
    { seconds, mostBackground, signal }: Limits,
  ): Promise<ExplainedSizes> {
    const { clock } = this.#dependencies;
    const until = clock.now() + seconds * 1000;
    const others = background === undefined ? undefined : tableOf(background);
    const example = background === undefined ? Math.min(mostBackground, await hosted.exampleRows()) : 0;
    const ask = async (table: HostedTable): Promise<HostedExplanation> => {
      const how: ExplainOptions = { seed: 0, mostBackground };
      return await within(
        clock,
        Math.max(0, until - clock.now()) + ONE_ANSWER_MS,
        sample.kept ? hosted.explainKept(table, others, how) : hosted.explain(table, others, how),
      );
    };
    const sizes = new AttributionSizes();
    const part = { ...sample, ...known(sample) };
    const atOnce = rowsAtOnce(others?.rows ?? example);
    let last: HostedExplanation | undefined;
    let refusal: string | undefined;
    let refused = 0;
    const take = async (from: number, to: number): Promise<void> => {
      const table = tableOf({ ...part, rows: part.rows.slice(from, to) });
      try {
        last = await ask(table);
        sizes.add(last, table.rows);
      } catch (error) {
        if (!(error instanceof DaisError) || error.code !== 'invalid_request') throw error;
        if (to - from === 1) {
          refusal = error.message;
          refused += 1;
        } else for (let row = from; row < to; row++) await take(row, row + 1);
      }
    };
    for (let from = 0; from < part.rows.length; from += atOnce) {
      signal.throwIfAborted();
      if (clock.now() >= until && sizes.rows > 0) break;
      if (sizes.rows === 0 && refused >= MOST_REFUSED) break;
      await take(from, Math.min(part.rows.length, from + atOnce));
    }
    if (last === undefined) throw new DaisError('invalid_request', refusal ?? 'The request has no rows to explain.');
    const { method, scale } = last;
    return {
      method,
      scale,
      features: sizes.means(),
      rows: sizes.rows,
      refused,
      refusal,
      background: last.background,
    };
  }
}

interface Limits {
  readonly seconds: number;
  readonly mostBackground: number;
  readonly signal: AbortSignal;
}

function tableOf({ columns, rows }: RowsToExplain): HostedTable {
  return tableOfRows(columns, rows);
}

/** Removes columns without values: in captured rows they belong to other requests of the same hour. */
function known({ columns, rows, kept }: RowsToExplain): Pick<RowsToExplain, 'columns' | 'rows'> {
  if (!kept) return { columns, rows };
  const positions = columns.flatMap((_, position) =>
    rows.some((row) => (row[position] ?? null) !== null) ? [position] : [],
  );
  return {
    columns: columns.filter((_, position) => positions.includes(position)),
    rows: rows.map((row) => positions.map((position) => row[position] ?? null)),
  };
}

async function within<T>(clock: Clock, ms: number, answer: Promise<T>): Promise<T> {
  let forget = () => {};
  const timeout = new Promise<never>((_, reject) => {
    const detail = `The model did not explain a row within ${Math.round(ms / 1000)} s.`;
    forget = clock.after(ms, () => reject(new DaisError('invalid_state', detail)));
  });
  try {
    return await Promise.race([answer, timeout]);
  } finally {
    forget();
  }
}
