/** Something that is made when it is first needed, once for all who need it. What failed is tried anew. */
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

  /** What was made, if anything was. */
  async opened(): Promise<T | undefined> {
    return await this.#made?.catch(() => undefined);
  }
}
