const REMEMBERED = 10_000;

/** Remembers facts about rows that do not change, by project and public id. The oldest ones make room for new ones. */
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
