/** The only network access of steps: a forward proxy behind the outbound guard, with its counters. */
import type { TaskProxy } from '#engines/compute/contract.ts';
import { ForwardProxy } from '#lib/outbound/forward-proxy.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';

export interface EgressFigures {
  /** Connections that the outbound guard refused since the process started. */
  readonly refused: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** The port at which a step finds its proxy on its own loopback device, unless Dais itself has that port. */
const PORT = 3128;

export class Egress {
  readonly #server: ForwardProxy;
  #refused = 0;
  #sentBytes = 0;
  #receivedBytes = 0;

  constructor(outbound: Outbound) {
    this.#server = new ForwardProxy(outbound);
  }

  /** `serverPort`: at which a step finds Dais. */
  taskProxy(serverPort: number): TaskProxy {
    return {
      port: serverPort === PORT ? PORT + 1 : PORT,
      server: this.#server,
      onRefused: () => (this.#refused += 1),
      onTransfer: (sent, received) => {
        this.#sentBytes += sent;
        this.#receivedBytes += received;
      },
    };
  }

  figures(): EgressFigures {
    return { refused: this.#refused, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  /** Ends every connection. Idempotent. */
  close(): void {
    this.#server.close();
  }
}
