/** The loads of one HTTP call: over kept connections and with a new connection for each call. */
import type { CallServer, RoundLoad } from './call-comparison.ts';
import { HttpClient, type ConnectionMode, type HttpClientOptions } from './http-client.ts';

/** Clients of the calls that are measured together. */
export class HttpLoads {
  readonly #clients: HttpClient[] = [];

  /** `round` returns what a client sends in one round. */
  of(
    url: string,
    options: Omit<HttpClientOptions, 'mode'>,
    round: (client: HttpClient) => RoundLoad,
  ): CallServer['loads'] {
    const load = (mode: ConnectionMode) => {
      const client = new HttpClient(url, { ...options, mode });
      this.#clients.push(client);
      return round(client);
    };
    return { kept: load('kept'), new: load('new') };
  }

  /** @throws Error when a client opened fewer connections than its mode requires. */
  async close(): Promise<void> {
    for (const client of this.#clients) await client.close();
  }
}
