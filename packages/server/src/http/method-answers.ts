/** OPTIONS, and 405 for every method that a path does not take: an address is never “not found” for its method alone. */
import { DaisError } from '@dais/api';
import type { FastifyInstance } from 'fastify';

/**
 * Watches the routes that are added to `scope`. The function it gives completes each path: to be called when all are
 * there.
 */
export function watchMethods(scope: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>();
  let completing = false;
  scope.addHook('onRoute', (route) => {
    if (completing) return;
    const url = route.url.slice(scope.prefix.length);
    const methods = taken.get(url) ?? new Set();
    for (const method of [route.method].flat()) methods.add(method);
    taken.set(url, methods);
  });
  return () => {
    completing = true;
    for (const [url, methods] of taken) complete(scope, url, methods);
  };
}

function complete(scope: FastifyInstance, url: string, methods: ReadonlySet<string>): void {
  const allow = [...methods, ...(methods.has('GET') ? ['HEAD'] : []), 'OPTIONS'].filter(unique).toSorted().join(', ');
  const others = scope.supportedMethods.filter(
    (method) => !methods.has(method) && !(method === 'HEAD' && methods.has('GET')),
  );
  scope.route({
    method: others,
    url,
    exposeHeadRoute: false,
    config: { operation: 'refusal' },
    // The body of a refused request is not read.
    onRequest: async (request, reply) => {
      reply.header('allow', allow);
      if (request.method === 'OPTIONS') return await reply.code(204).send();
      throw new DaisError('method_not_allowed', `${request.method} is not among ${allow}.`);
    },
    handler: () => undefined,
  });
}

function unique<T>(value: T, index: number, all: readonly T[]): boolean {
  return all.indexOf(value) === index;
}
