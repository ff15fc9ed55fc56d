import { DaisError } from '@dais/api';
import type { CompiledFeature, SelectedView, Selection } from './compiled.ts';

export interface NamedFeature {
  readonly name: string;
  readonly from: SelectedView;
  readonly feature: CompiledFeature;
}

/** Returns the output name of each feature. @throws DaisError `invalid_request` if two features have the same name */
export function outputNames(
  { requested }: Selection,
  fullNames: boolean,
  taken: readonly string[] = [],
): readonly NamedFeature[] {
  const owners = new Map<string, string>(taken.map((name) => [name, 'a column of the entities']));
  return requested.flatMap((from) =>
    from.features.map((feature) => {
      const name = fullNames ? `${from.as}__${feature.name}` : feature.name;
      const other = owners.get(name);
      if (other !== undefined) {
        throw new DaisError(
          'invalid_request',
          `The name "${name}" of ${from.as} is already used by ${other}. Set \`fullNames: true\`, or omit one of the features.`,
        );
      }
      owners.set(name, from.as);
      return { name, from, feature };
    }),
  );
}
