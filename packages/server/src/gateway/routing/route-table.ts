/** An index of the snapshot for requests: built once per snapshot, immutable, replaced by one assignment. */
import { DaisError } from '@dais/api/errors';
import type { ServedEndpoint, ServedModel } from '@dais/api/gateway';
import type { Queue } from '../models/batcher.ts';
import type { ModelSlot } from '../models/model-slot.ts';
import type { Grant, ServedAccess } from './served-access.ts';
import { bucketOf, stickyKey, variantAt } from './traffic.ts';
import type { VariantCounters } from './variant-counts.ts';

export interface RouteVariant {
  readonly name: string;
  readonly weight: number;
  readonly model: ServedModel;
  readonly slot: ModelSlot;
  readonly counters: VariantCounters;
}

export interface RouteShadow extends RouteVariant {
  /** 0 to 100. */
  readonly percent: number;
}

/** Requests in progress at an endpoint; kept across snapshots. */
export interface EndpointLoad {
  readonly queue: Queue;
  running: number;
  readonly shadow: { requests: number; bytes: number };
}

export interface EndpointRoute {
  readonly served: ServedEndpoint;
  readonly variants: readonly RouteVariant[];
  readonly shadows: readonly RouteShadow[];
  readonly load: EndpointLoad;
  readonly hash: number;
}

export interface RouteTable {
  readonly revision: number;
  readonly access: ServedAccess;
  /** By `project/name`. */
  readonly endpoints: ReadonlyMap<string, EndpointRoute>;
  /** By name. */
  readonly named: ReadonlyMap<string, readonly EndpointRoute[]>;
}

export function routeTable(
  revision: number,
  access: ServedAccess,
  endpoints: ReadonlyMap<string, EndpointRoute>,
): RouteTable {
  const named = new Map<string, EndpointRoute[]>();
  for (const route of endpoints.values()) {
    const { name } = route.served;
    named.set(name, [...(named.get(name) ?? []), route]);
  }
  return { revision, access, endpoints, named };
}

/** Resolves the endpoint for a caller. A caller without permission gets the same error as for a missing endpoint. */
export function findEndpoint(
  table: RouteTable,
  name: string,
  project: string | undefined,
  grant: Grant,
): EndpointRoute {
  if (project !== undefined) {
    const route = table.endpoints.get(`${project}/${name}`);
    if (route !== undefined && grant.may(project, name)) return route;
    throw new DaisError('not_found', `The project "${project}" has no endpoint "${name}" that you can invoke.`);
  }
  const routes = (table.named.get(name) ?? []).filter(({ served }) => grant.may(served.project, name));
  const [route] = routes;
  if (route === undefined) throw new DaisError('not_found', `There is no endpoint "${name}" that you can invoke.`);
  if (routes.length > 1) {
    const projects = routes.map(({ served }) => served.project).join(', ');
    throw new DaisError(
      'invalid_request',
      `The endpoint name "${name}" exists in the projects ${projects}. Use the path /p/PROJECT/ to select one.`,
    );
  }
  return route;
}

export interface VariantSelector {
  readonly header: (name: string) => string | undefined;
  readonly parameters: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly id: string | undefined;
  readonly chance: () => number;
}

/** Chooses by the version in the path, then a pinning header, then the traffic split. */
export function chooseVariant(route: EndpointRoute, version: string | undefined, by: VariantSelector): RouteVariant {
  if (version !== undefined && version !== '') return variantNamed(route, version);
  const { served, variants } = route;
  for (const { header, value, variant } of served.pins) {
    if (by.header(header.toLowerCase()) !== value) continue;
    const pinned = variants.find(({ name }) => name === variant);
    if (pinned !== undefined) return pinned;
  }
  const key = variants.length === 1 ? undefined : stickyKey(served.sticky, by);
  const bucket = key === undefined ? Math.floor(by.chance() * 10_000) : bucketOf(served.uid, key);
  const chosen = variantAt(variants, bucket);
  if (chosen !== undefined) return chosen;
  throw new DaisError('model_unavailable', `No variant of the endpoint "${served.name}" receives traffic.`);
}

function variantNamed({ served, variants }: EndpointRoute, version: string): RouteVariant {
  const found =
    variants.find(({ model }) => model.version === version) ??
    variants.find(({ model }) => model.aliases.includes(version)) ??
    variants.find(({ name }) => name === version);
  if (found !== undefined) return found;
  const available = variants.map(({ name, model }) => `${model.version ?? model.name} (${name})`).join(', ');
  throw new DaisError(
    'not_found',
    `The endpoint "${served.name}" has no version "${version}". Available versions: ${available}.`,
  );
}
