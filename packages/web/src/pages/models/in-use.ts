/** Endpoints that serve versions of a model, and their monitors. Pure functions. */
import type { Resource } from '@dais/api';
import type { MonitorSummary } from '@dais/api/monitoring';
import type { EndpointVariant } from '@dais/api/serving';
import { versionOf } from '#pages/endpoints/endpoint-words.ts';

export interface Deployment {
  readonly endpoint: string;
  readonly environment: string;
  readonly variant: string;
  readonly role: EndpointVariant['role'];
  readonly version: string;
  readonly weight: number;
  readonly state: EndpointVariant['state'];
  readonly message: string | undefined;
}

/** One for each variant with a version of the model; the largest traffic share first. */
export function deploymentsOf(model: string, endpoints: readonly Resource[]): readonly Deployment[] {
  return endpoints
    .flatMap(({ metadata, spec, status }) => {
      const { variants = [] } = status as { readonly variants?: readonly EndpointVariant[] };
      const { environment = 'dev' } = spec as { readonly environment?: string };
      return variants.flatMap((variant): Deployment[] => {
        const named = versionOf(variant);
        if (named.model !== model || named.version === undefined) return [];
        const { name, role, weight, state, message } = variant;
        return [
          {
            endpoint: metadata.name,
            environment,
            variant: name,
            role,
            version: named.version,
            weight,
            state,
            message,
          },
        ];
      });
    })
    .toSorted((a, b) => b.weight - a.weight || a.endpoint.localeCompare(b.endpoint));
}

/** Monitors of these endpoints, failing ones first. */
export function watchersOf(
  deployments: readonly Deployment[],
  monitors: readonly MonitorSummary[],
): readonly MonitorSummary[] {
  const endpoints = new Set(deployments.map(({ endpoint }) => endpoint));
  const order = ['failing', 'unknown', 'pending', 'passing'];
  return monitors
    .filter(({ endpoint }) => endpoint !== undefined && endpoints.has(endpoint))
    .toSorted((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || a.monitor.localeCompare(b.monitor));
}
