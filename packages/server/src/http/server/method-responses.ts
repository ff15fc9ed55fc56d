/**
 * Handles OPTIONS, and returns 405 for every method that a path does not support: a path is never “not found” because
 * of its method.
 */
import { DaisError } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteOptions } from 'fastify';
import findMyWay, { type HTTPMethod, type Instance, type HTTPVersion } from 'find-my-way';

type Methods = Map<string, Set<string>>;

/**
 * Records the routes that are added to `scope`. The returned function handles, for each of `claims` (see Door.paths),
 * requests without a route; call it after all routes are added. `refuse` reports an unknown path.
 *
 * A route for each missing method would be six per path: 330 of the 2,260 ms of CPU of a server start. So each claim
 * has one route, which uses a table that is built on first use.
 */
export function watchMethods(scope: FastifyInstance, refuse: (request: FastifyRequest) => never) {
  const taken: Methods = new Map();
  const all: Methods = new Map();
  const lookup = new MethodLookup(scope.supportedMethods, taken);
  const refuseMethod = async (request: FastifyRequest, reply: FastifyReply) => {
    const methods = lookup.of(request.url);
    if (methods.length === 0) return undefined;
    const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS']
      .filter(unique)
      .toSorted()
      .join(', ');
    reply.header('allow', allow);
    if (request.method === 'OPTIONS') return await reply.code(204).send();
    throw new DaisError(
      'method_not_allowed',
      `This route does not support ${request.method}. Supported methods: ${allow}.`,
    );
  };
  scope.addHook('onRoute', (route) => {
    const refusal = route.config?.operation === 'refusal';
    // Some adapters report unknown paths in their own format: check for a wrong method first.
    if (refusal)
      route.onRequest = [refuseMethod, ...[route.onRequest ?? []].flat()] as NonNullable<RouteOptions['onRequest']>;
    for (const methods of refusal ? [all] : [all, taken]) note(methods, route);
  });
  return (claims: readonly string[]): void => {
    for (const url of claims) {
      const methodsOfUrl = all.get(url);
      const method = scope.supportedMethods.filter(
        (name) => methodsOfUrl?.has(name) !== true && !(name === 'HEAD' && methodsOfUrl?.has('GET')),
      );
      if (method.length === 0) continue;
      scope.route({
        method,
        url,
        exposeHeadRoute: false,
        config: { operation: 'refusal' },
        // The body of a rejected request is not read.
        onRequest: async (request) => refuse(request),
        handler: () => undefined,
      });
    }
  };
}

function note(
  methods: Methods,
  { url, method }: { readonly url: string; readonly method: HTTPMethods | HTTPMethods[] },
) {
  const methodsOfUrl = methods.get(url) ?? new Set();
  for (const name of [method].flat()) methodsOfUrl.add(name);
  methods.set(url, methodsOfUrl);
}

/** Finds the methods of a path with the rules of the router. */
class MethodLookup {
  readonly #supported: readonly string[];
  readonly #taken: Methods;
  #router: Instance<HTTPVersion.V1> | undefined;

  constructor(supported: readonly string[], taken: Methods) {
    this.#supported = supported;
    this.#taken = taken;
  }

  of(url: string): readonly string[] {
    this.#router ??= this.#fill();
    const router = this.#router;
    return this.#supported.filter((method) => router.find(method as HTTPMethod, url.replace(/\?.*$/s, '')) !== null);
  }

  #fill(): Instance<HTTPVersion.V1> {
    const router = findMyWay({ maxParamLength: MAX_PARAMETER_LENGTH });
    for (const [url, methods] of this.#taken) router.on([...methods] as HTTPMethod[], url, () => undefined);
    return router;
  }
}

/** 256 characters of a name, each up to 4 bytes, each byte 3 characters when percent-encoded. */
export const MAX_PARAMETER_LENGTH = 3072;

function unique<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}
