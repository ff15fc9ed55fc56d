/** Opens the port for other nodes, if the configuration names one. */
import { hostname } from 'node:os';
import { DaisError } from '@dais/api';
import type { NodeConnections } from '#compose/node-connections.ts';
import { InternalServer } from '#http/internal/internal-server.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { NodeTls } from '#lib/node-tls/certificates.ts';
import type { InternalRoute } from '#lib/node-tls/internal-route.ts';
import type { ResolvedConfig } from '#config-load.ts';

interface InternalListenerDependencies {
  readonly config: Pick<ResolvedConfig, 'host' | 'node'>;
  readonly connections: NodeConnections;
  readonly routes: readonly InternalRoute[];
  readonly clock: Clock;
  readonly log: Log;
}

/** The key store is another server: the node serves without this port until it responds. */
const RETRY_MS = 10_000;

/** Where other nodes reach this one, and where it listens. */
export function internalHosts({ host, node }: Pick<ResolvedConfig, 'host' | 'node'>) {
  const listen = node.listen ?? host;
  const isEvery = ['0.0.0.0', '::'].includes(listen);
  return { listen, advertise: node.advertise ?? (isEvery ? hostname() : listen) };
}

export class InternalListener {
  readonly #dependencies: InternalListenerDependencies;
  #server: InternalServer | undefined;
  #opening: Promise<void> = Promise.resolve();
  #cancelRetry = () => {};
  #isClosed = false;

  private constructor(dependencies: InternalListenerDependencies) {
    this.#dependencies = dependencies;
  }

  /** @throws DaisError `address_in_use`, `key_missing`, `key_mismatch`. */
  static async open(dependencies: InternalListenerDependencies): Promise<InternalListener> {
    const opened = new InternalListener(dependencies);
    if (dependencies.config.node.internalPort !== undefined) await opened.#open();
    return opened;
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    this.#cancelRetry();
    await this.#opening;
    if (this.#server === undefined) return;
    this.#dependencies.connections.setAddress(undefined);
    await this.#server.close(deadlineMs);
  }

  async #open(): Promise<void> {
    const { clock, log } = this.#dependencies;
    try {
      await this.#listen();
    } catch (error) {
      if (!(error instanceof DaisError) || !error.retryable) throw error;
      log.warn('the port for other nodes cannot be opened yet', { error });
      this.#cancelRetry = clock.after(RETRY_MS, () => {
        if (this.#isClosed) return;
        this.#opening = this.#open().catch((later: unknown) =>
          log.error('the port for other nodes cannot be opened', { error: later }),
        );
      });
    }
  }

  async #listen(): Promise<void> {
    const { config, connections, routes, log } = this.#dependencies;
    const { listen, advertise } = internalHosts(config);
    let renewed: NodeTls | undefined;
    const tls = await connections.tls((next) => {
      renewed = next;
      this.#server?.setTls(next);
    });
    const isMember = async (node: string) => await connections.isMember(node);
    const { internalPort: port = 0 } = config.node;
    const server = await InternalServer.listen({ host: listen, port, tls, routes, isMember, log });
    this.#server = server;
    if (renewed !== undefined) server.setTls(renewed);
    connections.setAddress({ host: advertise, port: server.port });
    log.info('other nodes can connect', { host: advertise, port: server.port });
  }
}
