/** Runs as CSV, page by page. Columns are known only at the end, because pages can add new ones. Pure functions. */
import type { Run } from '@dais/api/tracking';

const OWN = ['run_id', 'run_name', 'experiment_id', 'status', 'user_id', 'start_time', 'end_time'] as const;

export class RunsCsv {
  readonly #columns = new Map<string, number>(OWN.map((name, at) => [name, at]));
  /** Lines with their numbers of fields. */
  readonly #lines: string[] = [];
  readonly #fields: number[] = [];

  get rows(): number {
    return this.#lines.length;
  }

  add(run: Run): void {
    const values: string[] = [
      run.id,
      run.name,
      run.experimentId,
      run.status,
      run.user,
      time(run.startedAt),
      run.endedAt === undefined ? '' : time(run.endedAt),
    ];
    for (const { key, value } of run.metrics) values[this.#at(`metrics.${key}`)] = String(value);
    for (const [key, value] of Object.entries(run.params)) values[this.#at(`params.${key}`)] = value;
    for (const [key, value] of Object.entries(run.tags)) values[this.#at(`tags.${key}`)] = value;
    // The first fields are ours or numbers; a sparse array has holes.
    this.#lines.push(Array.from(values, (value) => field(value)).join(','));
    this.#fields.push(values.length);
  }

  /** RFC 4180, with a header line. */
  text(): string[] {
    const width = this.#columns.size;
    const head = [...this.#columns.keys()].map(field).join(',');
    return [
      `${head}\r\n`,
      ...this.#lines.map((line, at) => `${line}${','.repeat(width - (this.#fields[at] ?? 0))}\r\n`),
    ];
  }

  #at(name: string): number {
    const known = this.#columns.get(name);
    if (known !== undefined) return known;
    this.#columns.set(name, this.#columns.size);
    return this.#columns.size - 1;
  }
}

function time(ms: number): string {
  return ms <= 0 ? '' : new Date(ms).toISOString();
}

/** Marks formulas of spreadsheets as text: the authors of runs choose these values, and others open them. */
function field(value: string | undefined): string {
  const text = value ?? '';
  const safe =
    /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) && !/^-?Infinity$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
