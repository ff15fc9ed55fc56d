import type { RouteGroup } from '#http/server/route-group.ts';

export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** The remedy if the check fails, or if it passes with reduced function. */
  readonly remedy?: string;
}

/**
 * `/livez`: the process responds. `/readyz`: the process can do its work, check by check. Both are public and reveal no
 * secret.
 */
export function probeRoutes(readiness: () => Promise<readonly ReadinessCheck[]>): RouteGroup {
  return {
    name: 'probes',
    paths: ['/livez', '/readyz'],
    perProject: false,
    access: 'open',
    compress: false,
    register: (app) => {
      app.get('/livez', async (_request, reply) => {
        reply.header('cache-control', 'no-store');
        return await reply.send({ status: 'alive' });
      });
      app.get('/readyz', async (_request, reply) => {
        const checks = await readiness();
        const ready = checks.every((check) => check.ok);
        reply.code(ready ? 200 : 503).header('cache-control', 'no-store');
        if (!ready) reply.header('retry-after', '1');
        return await reply.send({ status: ready ? 'ready' : 'unready', checks });
      });
    },
  };
}
