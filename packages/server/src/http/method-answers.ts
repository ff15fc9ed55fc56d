/** OPTIONS, and 405 for every method that a path does not take: an address is never “not found” for its method alone. */
import { DaisError } from '@dais/api';
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods, RouteOptions } from 'fastify';
import findMyWay, { type HTTPMethod, type Instance, type HTTPVersion } from 'find-my-way';

type Methods = Map<string, Set<string>>;

/**
 * Watches the routes that are added to `scope`. The function it gives answers, on each of `claims` (see Door.paths), what
 * no route takes: to be called when all are there. `refuse` says that there is no such path at all.
 *
 * A route for each method that a path lacks would be six for each that there is: 330 of the 2,260 ms of CPU that a server
 * takes to start. So a claim has one, which looks in a table that is made when it is first needed.
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
    throw new DaisError('method_not_allowed', `This route does not support ${request.method}. Supported methods: ${allow}.`);
  };
  scope.addHook('onRoute', (route) => {
    const refusal = route.config?.operation === 'refusal';
    // A door that refuses in its own words what it does not know: a wrong method is looked for first.
    if (refusal)
      route.onRequest = [refuseMethod, ...[route.onRequest ?? []].flat()] as NonNullable<RouteOptions['onRequest']>;
    for (const methods of refusal ? [all] : [all, taken]) note(methods, route);
  });
  return (claims: readonly string[]): void => {
    for (const url of claims) {
      const there = all.get(url);
      const method = scope.supportedMethods.filter(
        (name) => there?.has(name) !== true && !(name === 'HEAD' && there?.has('GET')),
      );
      if (method.length === 0) continue;
      scope.route({
        method,
        url,
        exposeHeadRoute: false,
        config: { operation: 'refusal' },
        // The body of a refused request is not read.
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
  const there = methods.get(url) ?? new Set();
  for (const name of [method].flat()) there.add(name);
  methods.set(url, there);
}

/** Which methods a path takes, by the same rules by which requests find their routes. */
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
