/** Guesses column types from a sample of texts; reading all rows widens types that are too narrow. */
import type { ColumnType } from '../../model/column-type.ts';

const LEAST_INT64 = -(2n ** 63n);
const MOST_INT64 = 2n ** 63n - 1n;

interface Guess {
  readonly type: ColumnType;
  readonly fits: (value: string) => boolean;
}

/** From narrow to wide. */
const GUESSES: readonly Guess[] = [
  { type: 'boolean', fits: (value) => /^(?:true|false)$/i.test(value) },
  // Codes such as 00123 would lose their leading zeros as numbers.
  { type: 'int64', fits: (value) => /^[+-]?(?:0|[1-9]\d{0,18})$/.test(value) && inInt64(value) },
  {
    type: 'float64',
    fits: (value) =>
      /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(value) ||
      /^(?:nan|[+-]?inf(?:inity)?)$/i.test(value),
  },
  { type: 'date', fits: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) },
  {
    type: 'timestamp',
    fits: (value) =>
      /^\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}(?::?\d{2})?))?)?$/.test(value),
  },
];

function inInt64(value: string): boolean {
  if (value.length < 18) return true;
  const number = BigInt(value.replace('+', ''));
  return number >= LEAST_INT64 && number <= MOST_INT64;
}

/** The wider type when a value does not match; else text. */
export function widerType(type: ColumnType): ColumnType {
  if (type === 'int64') return 'float64';
  return type === 'date' ? 'timestamp' : 'string';
}

const FITS: ReadonlyMap<ColumnType, Guess['fits']> = new Map(GUESSES.map(({ type, fits }) => [type, fits]));

/** Returns the narrowest type that matches all sampled values; text for a column without values. */
export class TypeGuesses {
  readonly #types: (ColumnType | undefined)[];

  constructor(columns: number) {
    this.#types = Array.from({ length: columns }, () => undefined);
  }

  see(row: readonly (string | null)[]): void {
    for (const [n, value] of row.entries()) {
      if (value === null) continue;
      let type = this.#types[n] ?? GUESSES.find(({ fits }) => fits(value))?.type ?? 'string';
      while (type !== 'string' && FITS.get(type)?.(value) !== true) type = widerType(type);
      this.#types[n] = type;
    }
  }

  types(): readonly ColumnType[] {
    return this.#types.map((type) => type ?? 'string');
  }
}
