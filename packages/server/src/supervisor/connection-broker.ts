/**
 * Owns the listening socket, so that a restart of the child rejects no connection: connections are accepted here,
 * unread, and sent to the child; without a child they wait.
 */
import { createServer, type Server, type Socket } from 'node:net';

export interface BrokerDependencies {
  /** Most connections that wait while there is no child. */
  readonly heldConnections: number;
  /** Answers and closes a connection for which there is no room to wait. */
  readonly refuse: (socket: Socket) => void;
}

/** Sends a connection to the child. False when the channel is closed. */
export type SendConnection = (id: number, socket: Socket) => boolean;

export class ConnectionBroker {
  readonly #dependencies: BrokerDependencies;
  readonly #server: Server;
  /**
   * Accepted, and either waiting or sent but not yet accepted by the child: kept open here, so that a crash of the
   * child loses none.
   */
  readonly #waiting = new Map<number, Socket>();
  #send: SendConnection | undefined;
  #nextId = 1;

  constructor(dependencies: BrokerDependencies) {
    this.#dependencies = dependencies;
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Listens and returns the port. Rejects with the error of the system (`EADDRINUSE`, `EACCES`, …). */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** From now on connections go to this child; waiting ones go first. */
  connect(send: SendConnection): void {
    this.#send = send;
    for (const [id, socket] of this.#waiting) send(id, socket);
  }

  /** The child has exited or is exiting: connections wait again, also those that it received but did not accept. */
  disconnect(): void {
    this.#send = undefined;
  }

  took(id: number): void {
    const socket = this.#waiting.get(id);
    this.#waiting.delete(id);
    // Closes only this descriptor: the child has its own for the same connection.
    socket?.destroy();
  }

  /**
   * Stops accepting. Without a child, the connections that wait are refused. Otherwise it has been sent all of them, and confirms them
   * before it handles its end.
   */
  close(): void {
    this.#server.close();
    if (this.#send === undefined) this.refuseWaiting();
    this.#send = undefined;
  }

  /** Refuses the connections that no child has accepted. */
  refuseWaiting(): void {
    for (const socket of this.#waiting.values()) this.#dependencies.refuse(socket);
    this.#waiting.clear();
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {});
    if (this.#send === undefined && this.#waiting.size >= this.#dependencies.heldConnections) {
      this.#dependencies.refuse(socket);
      return;
    }
    const id = this.#nextId++;
    this.#waiting.set(id, socket);
    this.#send?.(id, socket);
  }
}
