/** Opens the port for other nodes, if the configuration names one. */
import { hostname } from 'node:os';
import type { NodeConnections } from '#compose/node-connections.ts';
import { InternalServer } from '#http/internal/internal-server.ts';
import type { Log } from '#lib/log.ts';
import type { InternalRoute } from '#lib/node-tls/internal-route.ts';
import type { ResolvedConfig } from '#config-load.ts';

export interface InternalListenerDependencies {
  readonly config: ResolvedConfig;
  readonly connections: NodeConnections;
  readonly routes: readonly InternalRoute[];
  readonly log: Log;
}

export interface InternalListener {
  close(deadlineMs: number): Promise<void>;
}

/** Where other nodes reach this one, and where it listens. */
export function internalHosts({ host, node }: Pick<ResolvedConfig, 'host' | 'node'>) {
  const listen = node.listen ?? host;
  const isEvery = ['0.0.0.0', '::'].includes(listen);
  return { listen, advertise: node.advertise ?? (isEvery ? hostname() : listen) };
}

/** @throws DaisError `address_in_use`, `keys_unavailable`. */
export async function openInternalListener({
  config,
  connections,
  routes,
  log,
}: InternalListenerDependencies): Promise<InternalListener> {
  const { internalPort } = config.node;
  if (internalPort === undefined) return { close: async () => await Promise.resolve() };
  const { listen, advertise } = internalHosts(config);
  // Assigned before a certificate can change, which happens at contacts only.
  let server: InternalServer | undefined;
  const tls = await connections.tls((renewed) => server?.setTls(renewed));
  const isMember = async (node: string) => await connections.isMember(node);
  const opened = await InternalServer.listen({ host: listen, port: internalPort, tls, routes, isMember, log });
  server = opened;
  const { port } = opened;
  connections.setAddress({ host: advertise, port });
  log.info('other nodes can connect', { host: advertise, port });
  return {
    close: async (deadlineMs) => {
      connections.setAddress(undefined);
      await opened.close(deadlineMs);
    },
  };
}
