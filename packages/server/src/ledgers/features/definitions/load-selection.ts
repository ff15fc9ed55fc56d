/** Resolves a service or feature references to a selection of views. */
import { DaisError, nearest } from '@dais/api';
import { featureServiceSpec } from '@dais/api/data';
import { readResource, readResources, type ResourceRow } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compileView } from './compile-view.ts';
import type { CompiledView, SelectedView, Selection } from './compiled.ts';

export interface SelectionInput {
  readonly service?: string | undefined;
  readonly features?: readonly string[] | undefined;
}

interface ViewChoice {
  readonly as: string;
  readonly view: string;
  /** All features, if undefined. */
  readonly features: readonly string[] | undefined;
  readonly keys: Readonly<Record<string, string>>;
}

/** Reads views by name, with their entities. @throws DaisError `not_found`. */
export async function loadViews(tx: Transaction, names: readonly string[]): Promise<ReadonlyMap<string, CompiledView>> {
  const selected = [...new Set(names)];
  const rows = await readResources(tx.sql, tx.projectId, 'FeatureView', selected);
  const missing = selected.find((name) => !rows.some((row) => row.name === name));
  if (missing !== undefined) throw new DaisError('not_found', `There is no FeatureView "${missing}".`);
  const entities = [...new Set(rows.flatMap(({ spec }) => (spec['entities'] as string[] | undefined) ?? []))];
  const found: ResourceRow[] =
    entities.length === 0 ? [] : await readResources(tx.sql, tx.projectId, 'Entity', entities);
  const byName = new Map(found.map((row) => [row.name, row]));
  return new Map(rows.map((row) => [row.name, compileView(row, byName)]));
}

export async function loadView(tx: Transaction, name: string): Promise<CompiledView> {
  const view = (await loadViews(tx, [name])).get(name);
  if (view === undefined) throw new DaisError('not_found', `There is no FeatureView "${name}".`);
  return view;
}

/** Resolves a selection. @throws DaisError `not_found`, `invalid_request`. */
export async function loadSelection(tx: Transaction, input: SelectionInput): Promise<Selection> {
  const { service, selected } = await selectViews(tx, input);
  const views = new Map(
    await loadViews(
      tx,
      selected.map(({ view }) => view),
    ),
  );
  const requested = selected.map((one) => select(one, views.get(one.view)!));
  // On-demand views can use other on-demand views, which are added once each.
  const hidden: SelectedView[] = [];
  let open = requested;
  while (open.length > 0) {
    const needed = open.flatMap(({ view }) => (view.source.type === 'onDemand' ? view.source.views : []));
    const existing = [...requested, ...hidden].filter(isWhole);
    const fresh = [...new Set(needed)].filter((name) => !existing.some((one) => one.view.name === name));
    for (const [name, view] of await loadViews(tx, fresh)) views.set(name, view);
    open = fresh.map((name) => ({
      ...select({ as: `\u0001${name}`, view: name, features: undefined, keys: {} }, views.get(name)!),
      hidden: true,
    }));
    hidden.push(...open);
    if (hidden.length > 200) throw new DaisError('invalid_request', 'The selection needs more than 200 feature views.');
  }
  const all = [...requested, ...hidden];
  const onDemand = inOrder(all.filter(({ view }) => view.source.type === 'onDemand'));
  const request = new Map(
    onDemand.flatMap(({ view: { source } }) =>
      source.type === 'onDemand' ? source.request.map((one) => [one.name, one] as const) : [],
    ),
  );
  return {
    service,
    stored: all.filter(({ view }) => view.source.type !== 'onDemand'),
    onDemand,
    requested,
    request: [...request.values()],
  };
}

/** Adds a view with all features, for the entity of the same name, as an input of expressions. */
export function isWhole({ view, features, keys }: SelectedView): boolean {
  return features.length === view.features.length && [...keys].every(([name, requested]) => name === requested);
}

/** Sorts views after their inputs. The reference check of the kernel prevents cycles, except after a rename. */
function inOrder(views: readonly SelectedView[]): SelectedView[] {
  const done: SelectedView[] = [];
  const visit = (one: SelectedView, above: readonly SelectedView[]) => {
    if (done.includes(one)) return;
    if (above.includes(one)) {
      throw new DaisError('invalid_request', `FeatureView "${one.view.name}" depends on itself.`);
    }
    const { source } = one.view;
    for (const name of source.type === 'onDemand' ? source.views : []) {
      const other = views.find((view) => view.view.name === name && isWhole(view));
      if (other !== undefined) visit(other, [...above, one]);
    }
    done.push(one);
  };
  for (const one of views) visit(one, []);
  return done;
}

async function selectViews(tx: Transaction, { service, features }: SelectionInput) {
  if ((service === undefined) === (features === undefined)) {
    throw new DaisError('invalid_request', 'Specify either `service`, or `features` as `view:feature`.');
  }
  if (service === undefined) return { service: undefined, selected: viewsOfFeatures(features ?? []) };
  const row = await readResource(tx.sql, tx.projectId, 'FeatureService', service);
  if (row === undefined) throw new DaisError('not_found', `There is no FeatureService "${service}".`);
  const spec = featureServiceSpec.parse(row.spec);
  const selected = spec.features.map(({ view, features: some, as = view, keys = {} }) => ({
    as,
    view,
    features: some,
    keys,
  }));
  return { service: { name: service, uid: row.uid, generation: Number(row.generation) }, selected };
}

function viewsOfFeatures(features: readonly string[]): ViewChoice[] {
  const byView = new Map<string, Set<string>>();
  for (const one of features) {
    const at = one.lastIndexOf(':');
    if (at < 1 || at === one.length - 1) {
      throw new DaisError('invalid_request', `"${one}" is not a feature reference. Use "view:feature".`);
    }
    const [view, feature] = [one.slice(0, at), one.slice(at + 1)];
    byView.set(view, (byView.get(view) ?? new Set()).add(feature));
  }
  return [...byView].map(([view, names]) => ({ as: view, view, features: [...names], keys: {} }));
}

function select({ as, features, keys }: ViewChoice, view: CompiledView): SelectedView {
  const chosen = features?.map((name) => {
    const feature = view.features.find((one) => one.name === name);
    if (feature !== undefined) return feature;
    const near = nearest(
      name,
      view.features.map((one) => one.name),
    );
    const hint = near === undefined ? '' : ` Nearest: "${near}".`;
    throw new DaisError('not_found', `FeatureView "${view.name}" has no feature "${name}".${hint}`);
  });
  return {
    as,
    view,
    features: chosen ?? view.features,
    keys: new Map(view.keys.map(({ name }) => [name, Object.hasOwn(keys, name) ? (keys[name] ?? name) : name])),
    hidden: false,
  };
}
