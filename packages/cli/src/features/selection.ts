import { DaisError } from '@dais/api';

export interface SelectionOptions {
  readonly service?: string;
  readonly feature?: readonly string[];
}

/** @throws DaisError `invalid_request` unless it is one of the two. */
export function readSelection({ service, feature = [] }: SelectionOptions) {
  if ((service === undefined) === (feature.length === 0)) {
    throw new DaisError('invalid_request', 'Give --service NAME or --feature view:feature.');
  }
  return service === undefined ? { features: [...feature] } : { service };
}
