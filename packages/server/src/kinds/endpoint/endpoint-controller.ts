import type { Controller } from '#kernel/kind.ts';
import { planEndpoint, type EndpointEffect, type EndpointObserved } from './endpoint-plan.ts';

/** Nothing outside belongs to a endpoint yet: what its record says is all there is. */
export const endpointController: Controller<EndpointObserved, EndpointEffect> = {
  observe: async () => ({ exists: true }),
  plan: planEndpoint,
  perform: async () => {},
};
