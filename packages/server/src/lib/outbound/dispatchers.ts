/**
 * Connections: direct or through a proxy, guarded or trusted. Each combination has a separate pool, so that a guarded
 * call never reuses a trusted connection.
 */
import type { SecureContext } from 'node:tls';
import type { Dispatcher, buildConnector } from 'undici';
import type { AddressGuard } from './address-guard.ts';
import type { Fail } from './error-code.ts';
import { guardedLookup } from './guarded-lookup.ts';

/** All in milliseconds; 0 means no limit. */
export interface Timeouts {
  /** From the start of the name lookup to an open connection, TLS included. The same for all calls of a client. */
  readonly connectMs: number;
  /** From the sent request to the headers of the answer. Checked about once a second. */
  readonly headersMs: number;
  /** Between two pieces of the body. Checked about once a second. */
  readonly idleMs: number;
  /** The whole call to the last byte of the body, redirects included. */
  readonly totalMs: number;
}

export interface DispatchersOptions {
  readonly guard: AddressGuard;
  readonly secureContext: SecureContext | undefined;
  readonly timeouts: Timeouts;
  readonly fail: Fail;
}

export interface Dispatchers {
  choose(proxy: string | undefined, trusted: boolean): Promise<Dispatcher>;
  close(): Promise<void>;
}

type Connector = buildConnector.connector;

export function createDispatchers({ guard, secureContext, timeouts, fail }: DispatchersOptions): Dispatchers {
  const connect = { ...(secureContext !== undefined && { secureContext }), timeout: timeouts.connectMs };
  const open = new Map<string, Promise<Dispatcher>>();
  let closed = false;

  async function make(proxy: string | undefined, trusted: boolean): Promise<Dispatcher> {
    // Loaded with the first call, so that a Dais without outgoing calls does not pay for it.
    const { Agent, Pool, ProxyAgent, buildConnector } = await import('undici');
    if (proxy !== undefined) {
      return new ProxyAgent({
        uri: proxy,
        // CONNECT for https only: many proxies refuse it for port 80.
        proxyTunnel: false,
        proxyTls: connect,
        requestTls: connect,
        // The pool of the proxy sends CONNECT, whose response has the usual time limit.
        clientFactory: (origin, pool) => new Pool(origin, { ...pool, headersTimeout: timeouts.headersMs }),
      });
    }
    if (trusted) return new Agent({ connect });
    // The lookup function does not receive the port, on which an allowed host can depend: one connector per port.
    const byPort = new Map<number, Connector>();
    return new Agent({
      connect: (target, callback) => {
        const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
        const connector = byPort.get(port) ?? buildConnector({ ...connect, lookup: guardedLookup(guard, port) });
        byPort.set(port, connector);
        connector(target, callback);
      },
    });
  }

  return {
    async choose(proxy, trusted) {
      if (closed) throw fail('upstream_failed', 'the client is closed');
      const key = proxy === undefined ? String(trusted) : `via ${proxy}`;
      const dispatcher = open.get(key) ?? make(proxy, trusted);
      open.set(key, dispatcher);
      return await dispatcher;
    },
    async close() {
      closed = true;
      for (const dispatcher of open.values()) await (await dispatcher).destroy();
      open.clear();
    },
  };
}
