/** Runs of one variant by their number of rows, for the statistics of the protocols. */
export class BatchCounts {
  runs = 0;
  rows = 0;
  micros = 0;
  readonly bySize = new Map<number, { runs: number; micros: number }>();

  run(rows: number, micros: number): void {
    this.runs++;
    this.rows += rows;
    this.micros += micros;
    // Larger sizes are single large requests, and each would create its own entry.
    const size = rows <= 256 ? rows : 256;
    const entry = this.bySize.get(size);
    if (entry === undefined) this.bySize.set(size, { runs: 1, micros });
    else {
      entry.runs++;
      entry.micros += micros;
    }
  }
}
