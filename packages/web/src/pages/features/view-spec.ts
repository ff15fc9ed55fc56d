import type { FeatureViewSpec, Resource } from '@dais/api';

export type ViewSpec = FeatureViewSpec;

/** The server has checked it. */
export function viewSpecOf(resource: Resource): ViewSpec {
  return resource.spec as ViewSpec;
}
