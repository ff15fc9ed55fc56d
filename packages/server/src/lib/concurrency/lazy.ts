/** A value that is created on first use, once for all callers. After a failure the next use retries. */
export class Lazy<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  async get(): Promise<T> {
    this.#made ??= this.#make().catch((error: unknown) => {
      this.#made = undefined;
      throw error;
    });
    return await this.#made;
  }

  /** The value, if it was created. */
  async opened(): Promise<T | undefined> {
    return await this.#made?.catch(() => undefined);
  }
}
