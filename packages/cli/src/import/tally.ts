/** What an import found and what it wrote. */
export interface Problem {
  readonly what: string;
  readonly why: string;
}

export const COUNTED = [
  'experiments',
  'runs',
  'loggedModels',
  'traces',
  'models',
  'versions',
  'aliases',
  'evaluationDatasets',
  'scorers',
] as const;
export type Counted = (typeof COUNTED)[number];
/** Of what was written. */
const AMOUNTS = ['points', 'params', 'tags', 'spans', 'assessments', 'records', 'files', 'bytes'] as const;
type Amount = (typeof AMOUNTS)[number];

export class Tally {
  /** At the source. */
  readonly found: Record<Counted, number> = zeros(COUNTED);
  /** Of these, what was new or had changed. */
  readonly written: Record<Counted, number> = zeros(COUNTED);
  readonly amounts: Record<Amount, number> = zeros(AMOUNTS);
  readonly problems: Problem[] = [];
  /** What a user may want to know, without being an error. */
  readonly notes: string[] = [];

  add(amounts: Partial<Record<Amount, number>>): void {
    for (const amount of AMOUNTS) this.amounts[amount] += amounts[amount] ?? 0;
  }

  get changed(): boolean {
    return COUNTED.some((one) => this.written[one] > 0);
  }

  /** For programs. */
  report(): object {
    const { found, written, amounts, problems, notes } = this;
    return { found, written, amounts, problems, ...(notes.length > 0 && { notes }) };
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
