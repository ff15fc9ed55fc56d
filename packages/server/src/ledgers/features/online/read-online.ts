/** Online feature reads: one lookup in the store for all requested views. */
import { DaisError } from '@dais/api';
import type { FeatureColumn, FeatureStatus, OnlineFeatures, readFeaturesOperation } from '@dais/api/data';
import type { Lookup, OnlineRow } from '#engines/online/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Settled } from '#lib/concurrency/coalesce.ts';
import { authorizeSelection, requireUnmasked } from '../definitions/authorize-selection.ts';
import type { Catalog } from '../definitions/catalog.ts';
import type { SelectedView, Selection } from '../definitions/compiled.ts';
import type { SelectionInput } from '../definitions/load-selection.ts';
import { outputNames, type NamedFeature } from '../definitions/output-names.ts';
import type { FeatureDependencies } from '../features-dependencies.ts';
import { evaluateOnDemand } from '../on-demand/evaluate.ts';
import type { Value } from '../values/cells.ts';
import { packKey } from '../values/entity-key.ts';
import { formatMoment } from '../values/moment.ts';
import { schemaOf, unpackRow } from '../values/packed-row.ts';
import { readColumn, rowCount, type Columns } from './entity-columns.ts';
import type { Packings } from './packings.ts';

interface ReadInput extends SelectionInput {
  readonly entities: Columns;
  readonly fullNames: boolean;
}

/** Maximum number of entities per read, which limits response size and latency for others. */
const MAX_ENTITIES = 10_000;

/** The values of a view for one entity. */
export interface StoredRow {
  readonly status: FeatureStatus;
  /** By feature; empty unless `PRESENT`. */
  readonly values: ReadonlyMap<string, Value> | undefined;
  readonly eventTime: string | null;
}

const NOWHERE: StoredRow = { status: 'NOT_FOUND', values: undefined, eventTime: null };

interface PreparedRead {
  readonly selection: Selection;
  readonly input: ReadInput;
  readonly count: number;
  readonly outputs: readonly NamedFeature[];
  readonly lookups: readonly Lookup[];
  /** For each view, the index of each entity in its lookup; -1 for one without a key. */
  readonly places: readonly (readonly number[])[];
}

export class OnlineReader {
  readonly #dependencies: Pick<FeatureDependencies, 'online' | 'clock' | 'sources'>;
  readonly #catalog: Catalog;
  readonly #packings: Packings;

  constructor(
    dependencies: Pick<FeatureDependencies, 'online' | 'clock' | 'sources'>,
    catalog: Catalog,
    packings: Packings,
  ) {
    this.#dependencies = dependencies;
    this.#catalog = catalog;
    this.#packings = packings;
  }

  /** Runs several reads of one project; each gets its own result or error. */
  async share(
    tx: Transaction,
    calls: readonly CallOf<typeof readFeaturesOperation>[],
  ): Promise<readonly Settled<OnlineFeatures>[]> {
    const version = await this.#catalog.version(tx);
    const prepared: (PreparedRead | { readonly error: unknown })[] = [];
    for (const call of calls) prepared.push(await this.#prepare(tx, call, version));
    const all = prepared.flatMap((one) => ('error' in one ? [] : one.lookups));
    const found = all.length === 0 ? [] : await (await this.#dependencies.online()).read(all);
    const schemas = new Set(
      found.flatMap((rows) => rows.flatMap((row) => (row === undefined ? [] : [schemaOf(row.value)]))),
    );
    const packings = await this.#packings.read(tx, schemas);
    const nowUs = this.#dependencies.clock.now() * 1000;
    let at = 0;
    return prepared.map((one) => {
      if ('error' in one) return { error: one.error };
      const rows = found.slice(at, at + one.lookups.length);
      at += one.lookups.length;
      try {
        const stored = one.selection.stored.map((selected, index) =>
          openRows(selected, one.places[index] ?? [], rows[index] ?? [], packings, nowUs),
        );
        return { value: answer(one, stored) };
      } catch (error) {
        return { error };
      }
    });
  }

  async #prepare(
    tx: Transaction,
    call: CallOf<typeof readFeaturesOperation>,
    version: bigint,
  ): Promise<PreparedRead | { error: unknown }> {
    try {
      const { input, tenant } = call;
      const selection = await this.#catalog.selection(tx, input, version);
      await authorizeSelection(call, selection);
      await requireUnmasked(tx, this.#dependencies, call, selection, { keys: false });
      const count = rowCount(input.entities, 'entities');
      if (count > MAX_ENTITIES) {
        throw new DaisError('too_large', `A read accepts at most ${MAX_ENTITIES.toLocaleString('en')} entities.`);
      }
      const outputs = outputNames(selection, input.fullNames);
      const made = selection.stored.map((selected) => lookupOf(selected, input.entities, count, tenant.id));
      return {
        selection,
        input,
        count,
        outputs,
        lookups: made.map(({ lookup }) => lookup),
        places: made.map(({ places }) => places),
      };
    } catch (error) {
      // A database error affects all reads.
      if (!(error instanceof DaisError) || error.retryable) throw error;
      return { error };
    }
  }
}

function lookupOf({ as, view, keys }: SelectedView, entities: Columns, count: number, project: string) {
  if (!view.online)
    throw new DaisError('invalid_state', `FeatureView "${view.name}" is not online: \`online: false\`.`);
  const columns = view.keys.map(({ name, type }) => {
    const requested = keys.get(name) ?? name;
    if (!Object.hasOwn(entities, requested)) {
      throw new DaisError('invalid_request', `"${as}" needs the join key "${requested}" (${type}) in \`entities\`.`);
    }
    return readColumn(entities, requested, type, 'entities');
  });
  const types = view.keys.map(({ type }) => type);
  const packed: Buffer[] = [];
  const positions = Array.from({ length: count }, (_, row) => {
    const values = columns.map((column) => column[row] ?? null);
    // NULL equals nothing, as in a join.
    return values.includes(null) ? -1 : packed.push(packKey(types, values)) - 1;
  });
  return { lookup: { project, view: view.uid, keys: packed }, places: positions };
}

function openRows(
  { view }: SelectedView,
  positions: readonly number[],
  rows: readonly (OnlineRow | undefined)[],
  packings: Awaited<ReturnType<Packings['read']>>,
  nowUs: number,
): readonly StoredRow[] {
  const opened = rows.map((row) => (row === undefined ? NOWHERE : openRow(row, view.ttlUs, packings, nowUs)));
  return positions.map((index) => opened[index] ?? NOWHERE);
}

/** Same limit as in the point-in-time join: a value is valid up to and including its event time plus the ttl. */
export function openRow(
  row: OnlineRow,
  ttlUs: number,
  packings: Awaited<ReturnType<Packings['read']>>,
  nowUs: number,
): StoredRow {
  const eventTime = formatMoment(row.eventTime);
  if (ttlUs > 0 && row.eventTime < nowUs - ttlUs) return { status: 'OUTSIDE_MAX_AGE', values: undefined, eventTime };
  const columns = packings.get(schemaOf(row.value));
  // The schema of the row was lost by a restore of the database.
  if (columns === undefined) return NOWHERE;
  const values = unpackRow(columns, row.value);
  return { status: 'PRESENT', values: new Map(columns.map(({ name }, at) => [name, values[at] ?? null])), eventTime };
}

function answer(
  { selection, input, count, outputs }: PreparedRead,
  stored: readonly (readonly StoredRow[])[],
): OnlineFeatures {
  const rowsOf = new Map(selection.stored.map((selected, index) => [selected.as, stored[index] ?? []]));
  const worked = evaluateOnDemand(selection, input.entities, count, rowsOf);
  const columns = outputs.map(({ name, from, feature }): FeatureColumn => {
    const base = { name, view: from.as, feature: feature.name, type: feature.type };
    const values: unknown[] = [];
    const statuses: FeatureStatus[] = [];
    const eventTimes: (string | null)[] = [];
    const computed = worked.get(from.as)?.get(feature.name);
    if (computed !== undefined) {
      for (const value of computed) {
        values.push(value);
        statuses.push(value === null ? 'NULL_VALUE' : 'PRESENT');
        eventTimes.push(null);
      }
      return { ...base, values, statuses, eventTimes };
    }
    for (const row of rowsOf.get(from.as) ?? []) {
      const value = row.values?.get(feature.name);
      values.push(value ?? null);
      // A feature that was added after the row was written has no value.
      statuses.push(
        row.status !== 'PRESENT'
          ? row.status
          : value === undefined
            ? 'NOT_FOUND'
            : value === null
              ? 'NULL_VALUE'
              : 'PRESENT',
      );
      eventTimes.push(row.eventTime);
    }
    return { ...base, values, statuses, eventTimes };
  });
  return { entities: input.entities as OnlineFeatures['entities'], features: columns };
}
