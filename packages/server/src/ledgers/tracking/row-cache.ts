/** Cache of immutable properties of rows, by project and id: some thousands of entries of some hundred bytes. */
const REMEMBERED = 10_000;

export class RowCache<Row> {
  readonly #rows = new Map<string, Row>();

  get(projectId: string, id: string): Row | undefined {
    return this.#rows.get(`${projectId} ${id}`);
  }

  add(projectId: string, id: string, row: Row): void {
    const [oldest] = this.#rows.keys();
    if (this.#rows.size >= REMEMBERED && oldest !== undefined) this.#rows.delete(oldest);
    this.#rows.set(`${projectId} ${id}`, row);
  }
}
