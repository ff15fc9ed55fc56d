import { Client } from 'pg';
import { DaisError } from '@dais/api/errors';
import { clientConfig } from './client-config.ts';
import type { ConnectionOptions } from './contract.ts';
import { translate } from './database-errors.ts';
import { quoteIdentifier } from './roles.ts';

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5_000;
/** A half-open connection never receives an error, so it is pinged regularly. */
const HEARTBEAT_MS = 30_000;

/**
 * One connection in addition to the pool, for LISTEN and for the health probe, so that neither waits for a full pool. Opened at
 * first use. With listeners it reconnects automatically; without, the next ping does.
 */
export class ControlConnection {
  readonly #connection: ConnectionOptions;
  readonly #applicationName: string;
  readonly #listeners = new Map<string, Set<(payload: string) => void>>();
  #client: Promise<Client> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;

  constructor(connection: ConnectionOptions, applicationName: string) {
    this.#connection = connection;
    this.#applicationName = applicationName;
  }

  async listen(channel: string, onNotify: (payload: string) => void): Promise<() => Promise<void>> {
    const known = this.#listeners.get(channel);
    const callbacks = known ?? new Set();
    // A separate wrapper, so that the same function may listen twice and stop once.
    const own = (payload: string): void => onNotify(payload);
    callbacks.add(own);
    this.#listeners.set(channel, callbacks);
    if (known === undefined) {
      try {
        const client = await this.#open();
        await client.query(`listen ${quoteIdentifier(channel)}`);
      } catch {
        // Only a hint: callers poll as well, and the reconnect listens to all channels.
        this.#reconnectLater();
      }
    }
    return async () => {
      callbacks.delete(own);
      if (callbacks.size > 0 || this.#listeners.get(channel) !== callbacks) return;
      this.#listeners.delete(channel);
      const client = await this.#client?.catch(() => undefined);
      await client?.query(`unlisten ${quoteIdentifier(channel)}`).catch(() => {});
    };
  }

  async ping(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new DaisError('database_unavailable', `The database did not respond within ${timeoutMs} ms.`));
      }, timeoutMs);
    });
    const probe = this.#probe();
    try {
      await Promise.race([probe, expiry]);
    } catch (error) {
      // A connection that does not respond is not used again.
      this.#drop();
      probe.catch(() => {});
      throw translate(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    const client = await this.#client?.catch(() => undefined);
    this.#client = undefined;
    await client?.end();
  }

  async #probe(): Promise<void> {
    const client = await this.#open();
    await client.query('select 1');
  }

  async #open(): Promise<Client> {
    if (this.#closed) throw new DaisError('shutting_down', 'The database connection is closed.');
    if (this.#client !== undefined) return await this.#client;
    const opening = this.#connect();
    this.#client = opening;
    try {
      return await opening;
    } catch (error) {
      if (this.#client === opening) this.#client = undefined;
      throw error;
    }
  }

  async #connect(): Promise<Client> {
    const client = new Client(clientConfig(this.#connection, this.#applicationName));
    client.on('error', () => {});
    client.on('notification', ({ channel, payload }) => {
      for (const onNotify of this.#listeners.get(channel) ?? []) onNotify(payload ?? '');
    });
    await client.connect();
    const heartbeat = setInterval(() => {
      client.query('select 1').catch(() => {});
    }, HEARTBEAT_MS);
    heartbeat.unref();
    client.once('end', () => {
      clearInterval(heartbeat);
      void this.#client?.then(
        (current) => {
          if (current !== client) return;
          this.#client = undefined;
          this.#reconnectLater();
        },
        () => {},
      );
    });
    return client;
  }

  #drop(): void {
    const dropped = this.#client;
    this.#client = undefined;
    // Not `end`: that would wait for a response that never arrives.
    void dropped?.then(
      (client) => client.connection.stream.destroy(),
      () => {},
    );
    this.#reconnectLater();
  }

  #reconnectLater(): void {
    if (this.#closed || this.#listeners.size === 0) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#reconnect(), this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  async #reconnect(): Promise<void> {
    try {
      const client = await this.#open();
      for (const channel of this.#listeners.keys()) await client.query(`listen ${quoteIdentifier(channel)}`);
    } catch {
      this.#reconnectLater();
      return;
    }
    this.#retryMs = FIRST_RETRY_MS;
    // Notifications during the outage are lost: wake all listeners once.
    for (const callbacks of this.#listeners.values()) for (const onNotify of callbacks) onNotify('');
  }
}
