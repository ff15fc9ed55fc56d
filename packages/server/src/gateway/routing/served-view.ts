/** The part of the served state that a caller may see. */
import { DaisError } from '@dais/api/errors';
import { checkInputs, checkLimits } from '../tensors/check-inputs.ts';
import type { Explainer } from '../explain/explain.ts';
import { describe } from '../predictions/predictor.ts';
import { findEndpoint, type EndpointRoute, type RouteVariant } from './route-table.ts';
import type { Routes } from './routes.ts';
import type { Grant } from './served-access.ts';
import type { EndpointAddress, ServedEndpointView, ServedVariantView, ServedView } from '../serving-protocol.ts';

export interface ViewDependencies {
  readonly routes: Routes;
  readonly explainer: Explainer;
  readonly version: string;
  readonly ready: () => boolean;
}

/** Without a grant no endpoint is visible: used for health and server metadata. */
export function servedView(
  { routes, explainer, version, ready }: ViewDependencies,
  grant: Grant | undefined,
  project: string | undefined,
): ServedView {
  const allowed = (): Grant => {
    if (grant === undefined) throw new DaisError('unauthenticated', 'The request has no token.');
    return grant;
  };
  return {
    server: { name: 'dais', version },
    ready: ready(),
    endpoints: () =>
      [...routes.table.endpoints.values()]
        .filter(({ served }) => project === undefined || served.project === project)
        .filter(({ served }) => allowed().may(served.project, served.name))
        .map((route) => endpointView(route, explainer)),
    endpoint: ({ endpoint }: Pick<EndpointAddress, 'endpoint'>) =>
      endpointView(findEndpoint(routes.table, endpoint, project, allowed()), explainer),
  };
}

function endpointView(route: EndpointRoute, explainer: Explainer): ServedEndpointView {
  const { name, project } = route.served;
  const variants = route.variants.map((variant) => variantView(route, variant, explainer));
  return { name, project, versions: [...new Set(variants.map(({ version }) => version))], variants };
}

function variantView(route: EndpointRoute, variant: RouteVariant, explainer: Explainer): ServedVariantView {
  const { name, model, slot, counters } = variant;
  return {
    name,
    version: model.version ?? model.name,
    aliases: model.aliases,
    state: slot.state,
    reason: slot.reason,
    describe: async () => {
      const known = slot.known ?? (await slot.hold(0)).model;
      return describe(route, variant, known);
    },
    explain: async (request) => {
      slot.pin();
      try {
        const live = slot.live ?? (await slot.hold(0));
        checkLimits(request.inputs, route.served);
        if (request.background !== undefined) checkLimits(request.background, route.served);
        checkInputs({ inputs: request.inputs }, describe(route, variant, live.model));
        return await explainer.explain(live, request);
      } finally {
        slot.unpin();
      }
    },
    counts: {
      requests: counters.requests,
      failures: counters.failures,
      rows: counters.batches.rows,
      runs: counters.batches.runs,
      queueMicros: counters.queueMicros,
      runMicros: counters.batches.micros,
      lastAt: counters.lastAt,
      batches: counters.batches.bySize,
    },
  };
}
