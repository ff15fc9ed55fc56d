/** Network access of an isolated task: one proxy on its loopback device. */
import type { Socket } from 'node:net';
import type { ProxyClient, ProxyFailure } from '#lib/outbound/forward-proxy.ts';
import type { TaskProxy } from '../contract.ts';

/** Maximum number of reported destinations of one task; more are only counted. */
const MAX_REPORTED = 50;

/** Variables that programs read to find the proxy; curl accepts some of them only in lower case. */
export function proxyVariables({ port }: TaskProxy): Readonly<Record<string, string>> {
  const address = `http://127.0.0.1:${port}`;
  const bypass = 'localhost,127.0.0.1,::1';
  return {
    HTTP_PROXY: address,
    HTTPS_PROXY: address,
    ALL_PROXY: address,
    NO_PROXY: bypass,
    http_proxy: address,
    https_proxy: address,
    all_proxy: address,
    no_proxy: bypass,
    // Without this, fetch of Node (from 24 on) ignores them.
    NODE_USE_ENV_PROXY: '1',
  };
}

/** The connections of one task. */
export class TaskConnections {
  readonly #proxy: TaskProxy;
  readonly #client: ProxyClient;
  readonly #reported = new Set<string>();
  readonly #refused: string[] = [];

  /** `report` receives a message for the log of the task, once per destination. */
  constructor(proxy: TaskProxy, report: (sentence: string) => void) {
    this.#proxy = proxy;
    const onFailure = ({ host, port, code, message }: ProxyFailure) => {
      const isRefusal = code === 'address_refused';
      if (isRefusal) proxy.onRefused?.();
      const key = `${host} ${port} ${code}`;
      if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) return;
      this.#reported.add(key);
      if (isRefusal) this.#refused.push(message);
      report(message);
    };
    this.#client = { onFailure, ...(proxy.onTransfer !== undefined && { onTransfer: proxy.onTransfer }) };
  }

  get port(): number {
    return this.#proxy.port;
  }

  /** Messages about refused destinations, each once. */
  get refused(): readonly string[] {
    return this.#refused;
  }

  accept(socket: Socket): void {
    this.#proxy.server.accept(socket, this.#client);
  }
}
