/** Point-in-time features for entity rows of a request. */
import { DaisError } from '@dais/api';
import type { FeatureRows, readHistoryOperation } from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { requireUnmasked, requireVisible } from '../definitions/authorize-selection.ts';
import type { CompiledView } from '../definitions/compiled.ts';
import { loadSelection, type SelectionInput } from '../definitions/load-selection.ts';
import type { FeatureDependencies, SourceVersion } from '../features-dependencies.ts';
import { parseMoment } from '../values/moment.ts';
import { readEntityRows, byPosition, POSITION } from './entity-rows.ts';
import { generateEntityRows, historyPlan } from './history-plan.ts';
import { resolveSources, withTables } from './resolve-sources.ts';
import { referenceOf } from './source-relation.ts';

export interface HistoryRequest extends SelectionInput {
  readonly fullNames: boolean;
  readonly createdCutoff: boolean;
  readonly start?: string | undefined;
  readonly end?: string | undefined;
}

/** Reads features. @throws DaisError `not_found`, `invalid_request`, `invalid_state`, `too_large`; QueryError. */
export async function readHistory(
  dependencies: FeatureDependencies,
  { input, tenant, context, ...call }: CallOf<typeof readHistoryOperation>,
): Promise<FeatureRows> {
  const { selection, versions } = await transact(
    dependencies.database,
    { mode: 'read', projectId: tenant.id },
    async (tx) => {
      const found = await loadSelection(tx, input);
      await requireVisible(tx, call, found);
      await requireUnmasked(tx, dependencies, { ...call, tenant }, found, { keys: input.entities === undefined });
      return { selection: found, versions: await resolveSources(tx, dependencies, found.stored) };
    },
  );
  requireTimes(input, input.entities !== undefined);
  const provided =
    input.entities === undefined ? undefined : readEntityRows(selection, input.entities, input.eventTime);
  const entityRows =
    provided?.entityRows ?? generateEntityRows(selection, { ...rangeOf(input), time: input.eventTime });
  const plan = historyPlan(selection, entityRows, { ...input, unique: (view) => isUnique(view, versions) });
  return await withTables(dependencies, tenant.id, versions, async (tables) => {
    const result = await (
      await dependencies.query()
    ).run(
      {
        tables: { ...tables, ...provided?.table },
        query: { type: 'sort', from: plan, by: provided === undefined ? orderOf(entityRows.columns) : byPosition },
        output: { type: 'rows', limit: input.limit },
        owner: tenant.id,
      },
      { signal: context.signal },
    );
    if (result.truncated) {
      throw new DaisError(
        'too_large',
        `The result has more than ${input.limit} rows. Request fewer rows, or build a dataset with \`features.build\`.`,
      );
    }
    const columns = result.columns.flatMap(({ name, type }, at) => (name === POSITION ? [] : [{ name, type, at }]));
    return {
      columns: columns.map(({ name, type }) => ({ name, type })),
      rows: Object.fromEntries(columns.map(({ name, at }) => [name, result.rows.map((row) => row[at] ?? null)])),
      count: result.rows.length,
    };
  });
}

/** Sorts by time, then by keys, so that the order does not depend on the engine. */
function orderOf(columns: readonly string[]) {
  const [time, ...keys] = columns.toReversed();
  return [...(time === undefined ? [] : [time]), ...keys].map((name) => ({
    expression: { type: 'column', name } as const,
  }));
}

export function rangeOf({ start, end }: Pick<HistoryRequest, 'start' | 'end'>) {
  return {
    start: start === undefined ? undefined : parseMoment(start),
    end: end === undefined ? undefined : parseMoment(end),
  };
}

/** Validates the time range. @throws DaisError `invalid_request`. */
export function requireTimes({ start, end }: Pick<HistoryRequest, 'start' | 'end'>, entities: boolean): void {
  if (entities && (start !== undefined || end !== undefined)) {
    throw new DaisError(
      'invalid_request',
      '`start` and `end` apply only without `entities`, because each row of `entities` has its own event time.',
    );
  }
}

/** Whether keys and event time are unique in the source, which was checked when its versions were created. */
export function isUnique(view: CompiledView, versions: ReadonlyMap<string, SourceVersion>): boolean {
  const { source, keys, eventTime } = view;
  if (source.type !== 'dataset' || eventTime === undefined) return false;
  const version = versions.get(referenceOf(view, source.dataset));
  const named = new Set([...keys.map(({ column }) => column), eventTime]);
  return version !== undefined && version.keys.length > 0 && version.keys.every((key) => named.has(key));
}
