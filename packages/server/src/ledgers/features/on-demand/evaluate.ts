import { DaisError } from '@dais/api';
import type { ColumnLocation, SelectedView, Selection } from '../definitions/compiled.ts';
import { isWhole } from '../definitions/load-selection.ts';
import { findColumn, type NamedView } from '../definitions/on-demand-columns.ts';
import { readColumn, type Columns } from '../online/entity-columns.ts';
import type { StoredRow } from '../online/read-online.ts';
import type { Value } from '../values/cells.ts';
import { compileExpression, plainOf, valueOf } from './compile.ts';

/** Values per entity, by view and feature. */
export type OnDemandView = ReadonlyMap<string, ReadonlyMap<string, readonly Value[]>>;

/** Evaluates on-demand features. @throws DaisError `invalid_request` for a missing request field */
export function evaluateOnDemand(
  { onDemand, stored }: Selection,
  entities: Columns,
  count: number,
  rowsOf: ReadonlyMap<string, readonly StoredRow[]>,
): OnDemandView {
  const computed = new Map<string, Map<string, readonly Value[]>>();
  const requested = new Map<string, readonly Value[]>();
  for (const selected of onDemand) {
    const { source } = selected.view;
    if (source.type !== 'onDemand') continue;
    for (const { name, type } of source.request) requested.set(name, readColumn(entities, name, type, 'entities'));
    const inputs = inputsOf(selected, [...stored, ...onDemand]);
    const columns = new Map<string, readonly Value[]>();
    // Resolve each column once, not for each entity.
    const locations = new Map<object, ColumnLocation>();
    const locationOf = (column: { readonly name: string; readonly view?: string }): ColumnLocation => {
      const known = locations.get(column);
      if (known !== undefined) return known;
      const found = findColumn(column, source.request, inputs);
      if (typeof found === 'string') throw new DaisError('invalid_state', `${selected.view.name}: ${found}.`);
      locations.set(column, found);
      return found;
    };
    for (const { name, type, expression } of selected.view.features) {
      if (expression === undefined) continue;
      const compiled = compileExpression(expression);
      const values = Array.from({ length: count }, (_, row) =>
        valueOf(
          type,
          compiled((column) => {
            const columnInput = locationOf(column);
            const value =
              columnInput.of === 'request'
                ? requested.get(columnInput.name)?.[row]
                : (computed.get(columnInput.as)?.get(columnInput.name)?.[row] ??
                  rowsOf.get(columnInput.as)?.[row]?.values?.get(columnInput.name));
            return plainOf(columnInput.type, value ?? null);
          }),
        ),
      );
      columns.set(name, values);
    }
    computed.set(selected.as, columns);
  }
  return computed;
}

/** Returns the views that expressions of a view can use. */
export function inputsOf({ view }: SelectedView, all: readonly SelectedView[]): readonly NamedView[] {
  const { source } = view;
  const names = source.type === 'onDemand' ? source.views : [];
  return names.flatMap((name) => {
    const found = all.find((one) => one.view.name === name && isWhole(one));
    return found === undefined ? [] : [{ name, as: found.as, view: found.view }];
  });
}
