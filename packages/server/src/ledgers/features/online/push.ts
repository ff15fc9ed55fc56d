/** Pushes rows to the online store, to the dataset of the view, or to both. */
import { DaisError } from '@dais/api';
import type { pushFeaturesOperation, ValueType } from '@dais/api/data';
import type { OnlineRow } from '#engines/online/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import type { CompiledView } from '../definitions/compiled.ts';
import { loadView } from '../definitions/load-selection.ts';
import type { FeatureDependencies } from '../features-dependencies.ts';
import { lockForPush } from '../materialize/append-lock.ts';
import { APPEND_QUEUE } from '../materialize/materialization-rows.ts';
import type { Value } from '../values/cells.ts';
import { packKey } from '../values/entity-key.ts';
import { formatCell, parseMoment } from '../values/moment.ts';
import { packRow } from '../values/packed-row.ts';
import { readColumn, rowCount, type Columns } from './entity-columns.ts';
import type { Packings } from './packings.ts';
const MAX_ROWS = 10_000;
/** Maximum number of rows that wait to be appended. */
const MAX_WAITING = 1_000_000;

/** Rows of a view by column, with values as `readValue` returns them. */
export interface ReadRows {
  readonly count: number;
  readonly keys: readonly (readonly Value[])[];
  readonly features: readonly (readonly Value[])[];
  /** Microseconds. */
  readonly eventTimes: readonly number[];
  readonly createdTimes: readonly number[];
}

export class Pusher {
  readonly #dependencies: Pick<FeatureDependencies, 'database' | 'online' | 'clock'>;
  readonly #packings: Packings;

  constructor(dependencies: Pick<FeatureDependencies, 'database' | 'online' | 'clock'>, packings: Packings) {
    this.#dependencies = dependencies;
    this.#packings = packings;
  }

  /** Pushes rows. @throws DaisError `invalid_request`, `invalid_state`, `too_large`, `not_found`. */
  async push({ input, tenant, context }: CallOf<typeof pushFeaturesOperation>) {
    const { database } = this.#dependencies;
    const view = await transact(
      database,
      { mode: 'read', projectId: tenant.id },
      async (tx) => await loadView(tx, input.view),
    );
    const rows = this.#read(view, input.rows);
    const offline = input.to !== 'online';
    if (offline) refuseWithoutDataset(view);
    if (input.to !== 'offline' && !view.online) {
      throw new DaisError('invalid_state', `FeatureView "${view.name}" is not online: \`online: false\`.`);
    }
    if (rows.count === 0) return { rows: 0, written: 0 };
    // Store for the dataset first: after an error the client pushes again, and only the online store is idempotent.
    if (offline) {
      await transact(database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
        const [waiting] = await tx.sql.query<{ n: number }>(
          'select coalesce(sum(rows), 0)::int as n from features.pushed where view = $1',
          [view.uid],
          'count_pushed',
        );
        if ((waiting?.n ?? 0) > MAX_WAITING) {
          throw new DaisError(
            'overloaded',
            `${waiting?.n} rows of "${view.name}" are waiting to be appended to its dataset. Retry later.`,
          );
        }
        lockForPush(tx.sql, view.uid);
        await tx.sql.query(
          'insert into features.pushed (project_id, view, rows, batch) values ($1, $2, $3, $4)',
          [tenant.id, view.uid, rows.count, JSON.stringify(batchOf(view, rows))],
          'keep_pushed',
        );
        tx.enqueue({
          queue: APPEND_QUEUE,
          projectId: tenant.id,
          payload: { view: view.uid, name: view.name },
          uniqueKey: view.uid,
          delayMs: 1000,
          maxAttempts: 20,
        });
      });
    }
    const written = input.to === 'offline' ? 0 : await this.write(tenant.id, view, rows);
    return { rows: rows.count, written, ...(offline && { version: 'later' as const }) };
  }

  /** Writes rows to the online store, and returns how many were newer than the stored ones. */
  async write(projectId: string, view: CompiledView, rows: ReadRows): Promise<number> {
    const packing = await this.#packings.of(projectId, view);
    const types = view.keys.map(({ type }) => type);
    const packed = Array.from({ length: rows.count }, (_, at): OnlineRow => ({
      key: packKey(
        types,
        rows.keys.map((column) => column[at] ?? null),
      ),
      eventTime: rows.eventTimes[at] ?? 0,
      createdTime: rows.createdTimes[at] ?? 0,
      value: packRow(
        packing.id,
        packing.columns,
        rows.features.map((column) => column[at] ?? null),
      ),
    }));
    return await (await this.#dependencies.online()).write({ project: projectId, view: view.uid }, packed);
  }

  #read(view: CompiledView, columns: Columns): ReadRows {
    if (view.source.type === 'onDemand') {
      throw new DaisError(
        'invalid_state',
        `FeatureView "${view.name}" is computed on demand. Rows cannot be pushed to it.`,
      );
    }
    const count = rowCount(columns, 'rows');
    if (count > MAX_ROWS) {
      throw new DaisError(
        'too_large',
        `A push accepts at most ${MAX_ROWS.toLocaleString('en')} rows. This one has ${count}.`,
      );
    }
    const read = (ours: string, theirs: string, type: ValueType) =>
      readColumn(columns, Object.hasOwn(columns, ours) ? ours : theirs, type, 'rows');
    const keys = view.keys.map(({ name, column, type }) => read(name, column, type));
    for (const [index, values] of keys.entries()) {
      const row = values.indexOf(null);
      if (row >= 0)
        throw new DaisError(
          'invalid_request',
          `Column "${view.keys[index]?.name}" of rows, row ${row}: the join key is missing.`,
        );
    }
    const features = view.features.map(({ name, column, type }) => read(name, column, type));
    const nowUs = this.#dependencies.clock.now() * 1000;
    const eventTimes = timesOf(columns, view.eventTime ?? 'event_timestamp', nowUs);
    // A view without a creation time has none to compare.
    const createdTimes =
      view.createdTime === undefined ? eventTimes.map(() => 0) : timesOf(columns, view.createdTime, nowUs);
    return { count, keys, features, eventTimes: eventTimes.slice(0, count), createdTimes };

    function timesOf(given: Columns, name: string, fallback: number): number[] {
      if (!Object.hasOwn(given, name)) {
        if (name === view.eventTime || (view.eventTime === undefined && count > 0)) {
          throw new DaisError('invalid_request', `Column "${name}" of rows is missing: the event time of each row.`);
        }
        return Array.from({ length: count }, () => fallback);
      }
      return readColumn(given, name, 'timestamp', 'rows').map((value, row) => {
        const micro = value === null ? undefined : parseMoment(value as string);
        if (micro === undefined)
          throw new DaisError('invalid_request', `Column "${name}" of rows, row ${row}: the event time is missing.`);
        return micro;
      });
    }
  }
}

function refuseWithoutDataset(view: CompiledView): void {
  if (view.source.type === 'dataset') return;
  throw new DaisError(
    'invalid_state',
    `FeatureView "${view.name}" has no dataset that pushed rows can be appended to. Push with \`to: online\`.`,
  );
}

/** Returns the rows with the column names of the dataset. */
function batchOf(view: CompiledView, rows: ReadRows): Record<string, readonly Value[]> {
  return Object.fromEntries([
    ...view.keys.map(({ column }, at) => [column, rows.keys[at] ?? []] as const),
    ...view.features.map(({ column }, at) => [column, rows.features[at] ?? []] as const),
    ...(view.eventTime === undefined ? [] : [[view.eventTime, rows.eventTimes.map(formatCell)] as const]),
    ...(view.createdTime === undefined ? [] : [[view.createdTime, rows.createdTimes.map(formatCell)] as const]),
  ]);
}
