import type { Resource } from '@dais/api';
import type { featureViewSpec } from '@dais/api/data';
import type { z } from 'zod';

export type ViewSpec = z.input<typeof featureViewSpec>;

/** A specification that the server has validated. */
export function viewSpecOf(resource: Resource): ViewSpec {
  return resource.spec as ViewSpec;
}
