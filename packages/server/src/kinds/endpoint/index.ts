import { endpointKind } from '@dais/api/serving';
import type { KindDefinition, Controller } from '#kernel/kind.ts';
import {
  admitEndpoint,
  servingSlice,
  type EndpointWork,
  type EndpointEffect,
  type EndpointFacts,
} from '#ledgers/serving/index.ts';
import { planEndpoint } from './endpoint-plan.ts';

/** Endpoints of models. Their routes and rollouts are in the serving ledger. */
export function endpoint(work?: () => EndpointWork, { facts }: Pick<KindDefinition, 'facts'> = {}): KindDefinition {
  return {
    spec: endpointKind,
    slice: servingSlice,
    ...(facts !== undefined && { facts }),
    admit: async (tx, change) => {
      await admitEndpoint(tx, change);
      return {};
    },
    ...(work !== undefined && { controller: endpointController(work) }),
  };
}

/** Rolls out the version of the manifest step by step, and reports the progress. */
function endpointController(work: () => EndpointWork): Controller<EndpointFacts | undefined, EndpointEffect> {
  return {
    observe: async (resource, io) => await work().observe(resource, io),
    plan: ({ resource, observed }) =>
      observed === undefined ? { effects: [], conditions: [] } : planEndpoint(resource, observed),
    perform: async (effect, resource, io) => await work().perform(effect, resource, io),
  };
}
