import type { Controller } from '#kernel/kind.ts';
import type { EndpointEffect, EndpointFacts, EndpointWork } from '#ledgers/serving/index.ts';
import { planEndpoint } from './endpoint-plan.ts';

/** Rolls out the version of the manifest step by step, and reports the progress. */
export function endpointController(work: () => EndpointWork): Controller<EndpointFacts | undefined, EndpointEffect> {
  return {
    observe: async (resource, io) => await work().observe(resource, io),
    plan: ({ resource, observed }) =>
      observed === undefined ? { effects: [], conditions: [] } : planEndpoint(resource, observed),
    perform: async (effect, resource, io) => await work().perform(effect, resource, io),
  };
}
