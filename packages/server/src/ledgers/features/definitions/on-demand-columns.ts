/** Resolves names in expressions of on-demand views. */
import { nearest } from '@dais/api';
import { type ValueType } from '@dais/api/data';
import type { ColumnLocation, CompiledView } from './compiled.ts';

export interface NamedView {
  /** The name in expressions. */
  readonly name: string;
  /** The name in the selection. */
  readonly as: string;
  readonly view: Pick<CompiledView, 'features'>;
}

/** Returns the source of a column, or the reason why there is none. */
export function findColumn(
  { name, view }: { readonly name: string; readonly view?: string },
  request: readonly { readonly name: string; readonly type: ValueType }[],
  inputs: readonly NamedView[],
): ColumnLocation | string {
  if (view === undefined) {
    const requested = request.find((one) => one.name === name);
    if (requested !== undefined) return { of: 'request', ...requested };
  }
  const found = inputs.flatMap((input) => {
    const feature = input.view.features.find((one) => one.name === name);
    return feature === undefined || (view !== undefined && view !== input.name) ? [] : [{ input, feature }];
  });
  const [first, second] = found;
  if (first === undefined) {
    const known = [
      ...request.map((one) => one.name),
      ...inputs.flatMap((input) => input.view.features.map((one) => one.name)),
    ];
    const near = nearest(name, known);
    const called = view === undefined ? `"${name}"` : `"${view}.${name}"`;
    return `${called} is not a column of the request or of a view in \`source.views\`${near === undefined ? '' : `; nearest: "${near}"`}`;
  }
  if (second !== undefined) {
    return `"${name}" is ambiguous between ${found.map(({ input }) => input.name).join(' and ')}: use "${first.input.name}".${name}`;
  }
  return { of: 'feature', as: first.input.as, name, type: first.feature.type };
}
