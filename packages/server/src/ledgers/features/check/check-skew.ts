/** Detects training-serving skew: compares online values with the current source values of the same entities. */
import { DaisError } from '@dais/api';
import type { checkFeaturesOperation, FeatureSkew } from '@dais/api/data';
import { column } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { requireUnmasked, requireVisible } from '../definitions/authorize-selection.ts';
import type { SelectedView, Selection } from '../definitions/compiled.ts';
import { loadSelection } from '../definitions/load-selection.ts';
import type { FeatureDependencies, SourceVersion } from '../features-dependencies.ts';
import { readEntityRows, byPosition } from '../history/entity-rows.ts';
import { historyPlan, timeOf } from '../history/history-plan.ts';
import { isUnique } from '../history/read-history.ts';
import { resolveSources, withTables } from '../history/resolve-sources.ts';
import { keyColumn, sourceRelation } from '../history/source-relation.ts';
import type { Packings } from '../online/packings.ts';
import { openRow, type StoredRow } from '../online/read-online.ts';
import { readValue, type Value } from '../values/cells.ts';
import { packKey, unpackKey } from '../values/entity-key.ts';
import { formatCell, formatMoment, parseMoment } from '../values/moment.ts';
import { schemaOf } from '../values/packed-row.ts';

const EXAMPLES = 5;
const PAGE = 10_000;
const TIME = 'requested at';

type Tables = Parameters<Parameters<typeof withTables>[3]>[0];

/** Compares the views of a selection. @throws DaisError `not_found`, `invalid_state` without a view with source and online values; QueryError. */
export async function checkSkew(
  dependencies: FeatureDependencies,
  packings: Packings,
  { input, tenant, context, ...call }: CallOf<typeof checkFeaturesOperation>,
): Promise<FeatureSkew> {
  const nowUs = dependencies.clock.now() * 1000;
  const { selection, versions } = await transact(
    dependencies.database,
    { mode: 'read', projectId: tenant.id },
    async (tx) => {
      const found = await loadSelection(tx, input);
      await requireVisible(tx, call, found);
      await requireUnmasked(tx, dependencies, { ...call, tenant }, found, { keys: true });
      const stored = found.stored.filter(({ view }) => view.online && view.source.type !== 'push');
      return { selection: { ...found, stored }, versions: await resolveSources(tx, dependencies, stored) };
    },
  );
  if (selection.stored.length === 0) {
    throw new DaisError(
      'invalid_state',
      'None of the views has both a source and online values, so there is nothing to compare.',
    );
  }
  return await withTables(dependencies, tenant.id, versions, async (tables) => {
    const features: FeatureSkew['features'] = [];
    let entities = 0;
    for (const selected of selection.stored) {
      const check = new ViewCheck(
        dependencies,
        packings,
        { projectId: tenant.id, nowUs, versions, tables, signal: context.signal },
        selected,
      );
      const { compared, found } = await check.run(input.sample);
      entities += compared;
      features.push(...found);
    }
    return { at: formatMoment(nowUs), entities, features };
  });
}

interface CheckContext {
  readonly projectId: string;
  readonly nowUs: number;
  readonly versions: ReadonlyMap<string, SourceVersion>;
  readonly tables: Tables;
  readonly signal: AbortSignal;
}

class ViewCheck {
  readonly #dependencies: FeatureDependencies;
  readonly #packings: Packings;
  readonly #context: CheckContext;
  readonly #selected: SelectedView;

  constructor(dependencies: FeatureDependencies, packings: Packings, context: CheckContext, selected: SelectedView) {
    this.#dependencies = dependencies;
    this.#packings = packings;
    this.#context = context;
    // By the join keys of the view.
    const keys = new Map(selected.view.keys.map(({ name }) => [name, name]));
    this.#selected = { ...selected, keys };
  }

  get #types() {
    return this.#selected.view.keys.map(({ type }) => type);
  }

  async run(sample: number): Promise<{ readonly compared: number; readonly found: FeatureSkew['features'] }> {
    // Half of the sample from each side, to find entities that only one side has.
    const half = Math.max(1, Math.floor(sample / 2));
    const online = await this.#onlineKeys(half);
    const keys = new Map([...online, ...(await this.#offlineKeys(half))].map((key) => [key.toString('latin1'), key]));
    const entities = [...keys.values()].slice(0, sample);
    if (entities.length === 0) return { compared: 0, found: [] };
    const [served, sourced] = [await this.#serve(entities), await this.#source(entities)];
    return { compared: entities.length, found: this.#compare(entities, served, sourced) };
  }

  async #onlineKeys(count: number): Promise<readonly Buffer[]> {
    const store = await this.#dependencies.online();
    const view = { project: this.#context.projectId, view: this.#selected.view.uid };
    const stride = Math.max(1, Math.floor((await store.count(view)) / count));
    const keys: Buffer[] = [];
    let seen = 0;
    for (let after: Buffer | undefined; keys.length < count;) {
      const page = await store.keys(view, after, PAGE);
      for (const key of page) {
        if (seen % stride === 0 && keys.length < count) keys.push(key);
        seen += 1;
      }
      after = page.at(-1);
      if (page.length < PAGE) break;
    }
    return keys;
  }

  async #offlineKeys(count: number): Promise<readonly Buffer[]> {
    const { view } = this.#selected;
    if (view.keys.length === 0) return [];
    const from: Relation = {
      type: 'distinct',
      from: {
        type: 'project',
        from: sourceRelation(view, []),
        keep: 'none',
        columns: view.keys.map(({ name }) => ({ as: name, expression: column(keyColumn(name)) })),
      },
    };
    const query: Relation = { type: 'sample', from, size: { rows: count }, seed: 1 };
    const { rows } = await this.#run(query, {}, count);
    return rows.map((row) =>
      packKey(
        this.#types,
        view.keys.map(({ type }, at) => readValue(type, row[at])),
      ),
    );
  }

  async #serve(keys: readonly Buffer[]): Promise<readonly (StoredRow | undefined)[]> {
    const { projectId, nowUs } = this.#context;
    const { view } = this.#selected;
    const [rows = []] = await (await this.#dependencies.online()).read([{ project: projectId, view: view.uid, keys }]);
    const schemas = new Set(rows.flatMap((row) => (row === undefined ? [] : [schemaOf(row.value)])));
    const packings = await transact(
      this.#dependencies.database,
      { mode: 'read', projectId },
      async (tx) => await this.#packings.read(tx, schemas),
    );
    return rows.map((row) => (row === undefined ? undefined : openRow(row, view.ttlUs, packings, nowUs)));
  }

  /** Returns source values and their event time by entity. */
  async #source(
    keys: readonly Buffer[],
  ): Promise<readonly { readonly values: readonly Value[]; readonly time: string | null }[]> {
    const { view, features } = this.#selected;
    const unpacked = keys.map((key) => unpackKey(this.#types, key));
    const moment = formatCell(this.#context.nowUs);
    const entities = {
      ...Object.fromEntries(view.keys.map(({ name }, at) => [name, unpacked.map((values) => values[at] ?? null)])),
      [TIME]: keys.map(() => moment),
    };
    const alone: Selection = {
      service: undefined,
      stored: [this.#selected],
      onDemand: [],
      requested: [this.#selected],
      request: [],
    };
    const { entityRows, table } = readEntityRows(alone, entities, TIME);
    const plan = historyPlan(alone, entityRows, {
      fullNames: true,
      createdCutoff: false,
      unique: (one) => isUnique(one, this.#context.versions),
      times: true,
    });
    const result = await this.#run({ type: 'sort', from: plan, by: byPosition }, table, keys.length);
    const names = result.columns.map(({ name }) => name);
    const positions = features.map(({ name }) => names.indexOf(`${this.#selected.as}__${name}`));
    const time = names.indexOf(timeOf(this.#selected.as));
    return result.rows.map((row) => {
      const micro = typeof row[time] === 'string' ? parseMoment(row[time]) : undefined;
      return {
        values: positions.map((index, at) => readValue(features[at]?.type ?? 'json', row[index])),
        time: micro === undefined ? null : formatMoment(micro),
      };
    });
  }

  async #run(
    query: Relation,
    table: Readonly<Record<string, Tables[string] | ReturnType<typeof readEntityRows>['table'][string]>>,
    limit: number,
  ) {
    const { tables, projectId, signal } = this.#context;
    const job = { tables: { ...tables, ...table }, query, output: { type: 'rows', limit }, owner: projectId } as const;
    return await (await this.#dependencies.query()).run(job, { signal });
  }

  #compare(
    keys: readonly Buffer[],
    served: readonly (StoredRow | undefined)[],
    sourced: readonly { readonly values: readonly Value[]; readonly time: string | null }[],
  ): FeatureSkew['features'] {
    const { as, view, features } = this.#selected;
    return features.map(({ name, type }, index) => {
      const tally = { view: as, feature: name, same: 0, different: 0, onlyOnline: 0, onlyOffline: 0 };
      const examples: FeatureSkew['features'][number]['examples'] = [];
      for (const [at, key] of keys.entries()) {
        const online = readValue(type, served[at]?.values?.get(name) ?? null);
        const offline = sourced[at]?.values[index] ?? null;
        const result = resultOf(online, offline);
        tally[result] += 1;
        if (result === 'same' || examples.length >= EXAMPLES) continue;
        const values = unpackKey(this.#types, key);
        examples.push({
          entity: Object.fromEntries(view.keys.map((one, index) => [one.name, values[index] ?? null])),
          online,
          offline,
          onlineTime: served[at]?.eventTime ?? null,
          offlineTime: sourced[at]?.time ?? null,
        });
      }
      return { ...tally, examples };
    });
  }
}

function resultOf(online: Value | Cell, offline: Value | Cell): 'same' | 'different' | 'onlyOnline' | 'onlyOffline' {
  if (JSON.stringify(online) === JSON.stringify(offline)) return 'same';
  if (online === null) return 'onlyOffline';
  return offline === null ? 'onlyOnline' : 'different';
}
