import type { Resource } from '@dais/api';
import type { ModelSpec } from '@dais/api/registry';

/** The specification of a model; the server has validated it. */
export function modelSpecOf(resource: Resource | undefined): ModelSpec {
  return resource?.spec ?? {};
}

/** One objective of a model. */
export type Objective = NonNullable<ModelSpec['objectives']>[number];
