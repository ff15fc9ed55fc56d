import type { Resource } from '@dais/api';
import type { ModelSpec } from '@dais/api/registry';

/** What a person wants of a model; the server has checked it. */
export function modelSpecOf(resource: Resource | undefined): ModelSpec {
  return resource?.spec ?? {};
}

/** One thing that a better version is better at. */
export type Objective = NonNullable<ModelSpec['objectives']>[number];
