/** Named objects on the requests of an object store (Azure Blob Storage, Google Cloud Storage). */
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api/errors';
import { requireObjectName, type NamedObject, type NamedObjects } from './contract.ts';
import type { ObjectService } from './object-service.ts';
import { readResumed } from './resumed-read.ts';

export class ServiceNamedObjects implements NamedObjects {
  readonly #service: ObjectService;
  readonly #prefix: string;

  /** `prefix`: of all keys, with a `/` at its end. */
  constructor(service: ObjectService, prefix: string) {
    this.#service = service;
    this.#prefix = prefix;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#service.write(this.#key(name), Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  async get(name: string): Promise<Buffer> {
    const key = this.#key(name);
    const asError = (error: unknown) => this.#service.asError(error, 'reading an object');
    const stream = await readResumed(
      name,
      undefined,
      async (range, version) => {
        const opened = await this.#service.open(key, range, version, name);
        if (opened !== undefined) return opened;
        throw new DaisError('content_missing', `There is no object ${name} in ${this.#service.where}.`);
      },
      asError,
    );
    return await buffer(stream);
  }

  async *list(prefix: string): AsyncGenerator<NamedObject> {
    for await (const { key, size, modifiedAt } of this.#service.list(`${this.#prefix}${prefix}`, undefined)) {
      yield { name: key.slice(this.#prefix.length), size, modifiedAt };
    }
  }

  async delete(name: string): Promise<void> {
    await this.#service.delete(this.#key(name));
  }

  async close(): Promise<void> {
    // The creator of the outbound client closes its connections.
  }

  #key(name: string): string {
    return `${this.#prefix}${requireObjectName(name)}`;
  }
}
