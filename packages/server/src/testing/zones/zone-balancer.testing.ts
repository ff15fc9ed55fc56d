/**
 * A plain TCP load balancer, as HAProxy in TCP mode with health checks: a new connection goes to the next backend that is up. If that backend does
 * not accept it, the next one gets it; the client does not notice. What was sent on a connection is never repeated. When a backend goes
 * down, its connections are closed. When none is up, all count as up, as with the balancers of the large clouds.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface Backend {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Port whose `/readyz` is checked. */
  readonly healthPort: number;
}

const CHECK_EVERY_MS = 1000;
const CHECK_TIMEOUT_MS = 4000;
/** Failed checks in sequence until a backend is down; one passed check brings it up. */
const FALL = 3;
const CONNECT_TIMEOUT_MS = 1000;
/** Connections of clients whose backend is known. */
const REMEMBERED = 20_000;

interface Watched extends Backend {
  readonly sockets: Set<Socket>;
  failures: number;
  isUp: boolean;
}

interface Route {
  readonly clientPort: number;
  readonly name: string;
  readonly at: number;
}

export class ZoneBalancer {
  readonly host: string;
  readonly #server: Server;
  readonly #backends: readonly Watched[];
  readonly #clients = new Set<Socket>();
  /** Backends of connections, oldest first. */
  readonly #routes: Route[] = [];
  readonly #timer: NodeJS.Timeout;
  #next = 0;

  private constructor(host: string, backends: readonly Backend[]) {
    this.host = host;
    this.#backends = backends.map((backend) => ({ ...backend, sockets: new Set(), failures: FALL, isUp: false }));
    this.#server = createServer({ pauseOnConnect: true }, (client) => void this.#serve(client));
    this.#timer = setInterval(() => {
      for (const backend of this.#backends) void this.#check(backend);
    }, CHECK_EVERY_MS);
  }

  /** `port` 0 takes a free one. */
  static async start(host: string, port: number, backends: readonly Backend[]): Promise<ZoneBalancer> {
    const balancer = new ZoneBalancer(host, backends);
    balancer.#server.listen(port, host);
    await once(balancer.#server, 'listening');
    return balancer;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://${this.host}:${this.port}`;
  }

  /** Names of the backends that get new connections. */
  get up(): readonly string[] {
    return this.#backends.filter(({ isUp }) => isUp).map(({ name }) => name);
  }

  /** The backend of the connection that this port of the client had at a time (ms, `performance.now`): later ones can have it again. */
  backendOf(clientPort: number | undefined, at: number): string | undefined {
    return this.#routes.findLast((route) => route.clientPort === clientPort && route.at <= at)?.name;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const client of this.#clients) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(client: Socket): Promise<void> {
    this.#clients.add(client);
    client.on('error', () => {});
    client.once('close', () => this.#clients.delete(client));
    const clientPort = client.remotePort ?? 0;
    for (const backend of this.#order()) {
      const upstream = await opened(backend);
      if (upstream === undefined) continue;
      if (this.#routes.length >= REMEMBERED) this.#routes.shift();
      this.#routes.push({ clientPort, name: backend.name, at: performance.now() });
      backend.sockets.add(upstream);
      upstream.once('close', () => {
        backend.sockets.delete(upstream);
        client.destroy();
      });
      client.once('close', () => upstream.destroy());
      if (client.destroyed) upstream.destroy();
      client.pipe(upstream);
      upstream.pipe(client);
      return;
    }
    client.destroy();
  }

  /** All backends that may get the next connection, each once. */
  #order(): readonly Watched[] {
    const up = this.#backends.filter(({ isUp }) => isUp);
    const usable = up.length === 0 ? this.#backends : up;
    const from = this.#next++ % usable.length;
    return [...usable.slice(from), ...usable.slice(0, from)];
  }

  async #check(backend: Watched): Promise<void> {
    const problem = await problemOf(backend);
    if (problem === undefined) {
      backend.failures = 0;
      backend.isUp = true;
      return;
    }
    backend.failures += 1;
    if (backend.failures < FALL) return;
    if (backend.isUp) {
      const open = backend.sockets.size;
      process.stdout.write(
        `balancer ${this.host}:${this.port}: ${backend.name} is down, ${open} connections end: ${problem}\n`,
      );
    }
    backend.isUp = false;
    for (const socket of backend.sockets) socket.destroy();
  }
}

async function opened({ host, port }: Backend): Promise<Socket | undefined> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_TIMEOUT_MS });
    const failed = () => {
      socket.destroy();
      resolve(undefined);
    };
    socket.once('timeout', failed);
    socket.on('error', failed);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('timeout', failed);
      resolve(socket);
    });
  });
}

/** Why a backend is not ready; undefined when it is. */
async function problemOf({ host, healthPort }: Backend): Promise<string | undefined> {
  return await new Promise((resolve) => {
    const sent = request({ host, port: healthPort, path: '/readyz', agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => (text += chunk));
      answer.once('error', () => resolve('the response ended early'));
      answer.once('end', () => resolve(answer.statusCode === 200 ? undefined : `${answer.statusCode} ${text}`));
    });
    const timer = setTimeout(() => sent.destroy(new Error('no response in time')), CHECK_TIMEOUT_MS);
    sent.once('error', ({ message }) => resolve(message));
    sent.once('close', () => clearTimeout(timer));
    sent.end();
  });
}
