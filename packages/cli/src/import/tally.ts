/** Counts of objects that an import found and wrote. */
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
/** Counts of written objects. */
const AMOUNTS = ['points', 'params', 'tags', 'spans', 'assessments', 'records', 'files', 'bytes'] as const;
type Amount = (typeof AMOUNTS)[number];

export class Tally {
  /** Number at the source. */
  readonly found: Record<Counted, number> = zeros(COUNTED);
  /** Number of new or changed ones. */
  readonly written: Record<Counted, number> = zeros(COUNTED);
  readonly amounts: Record<Amount, number> = zeros(AMOUNTS);
  readonly problems: Problem[] = [];
  /** A note for the user that is not an error. */
  readonly notes: string[] = [];

  add(amounts: Partial<Record<Amount, number>>): void {
    for (const amount of AMOUNTS) this.amounts[amount] += amounts[amount] ?? 0;
  }

  get changed(): boolean {
    return COUNTED.some((one) => this.written[one] > 0);
  }

  /** JSON for programs. */
  report(): object {
    const { found, written, amounts, problems, notes } = this;
    return { found, written, amounts, problems, ...(notes.length > 0 && { notes }) };
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
}
