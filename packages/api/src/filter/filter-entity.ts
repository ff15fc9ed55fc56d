/**
 * What can be said about one kind of record in a filter and in an order: a grammar as data. The parser, the writer, the
 * console's completion and the translation to SQL all read it.
 */

export const filterOperators = [
  '=',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  'LIKE',
  'ILIKE',
  'RLIKE',
  'IN',
  'NOT IN',
  'IS NULL',
  'IS NOT NULL',
] as const;
export type FilterOperator = (typeof filterOperators)[number];

/** What a key is compared with, and how. */
export interface FilterValueType {
  readonly type: 'number' | 'text';
  readonly operators: readonly FilterOperator[];
  /** Numbers must be whole. */
  readonly whole?: true;
  /** Numbers may stand in quotes, and text of digits without. */
  readonly eitherWay?: true;
}

export interface FilterKey {
  readonly name: string;
  /** Further names of the same thing. */
  readonly aliases?: readonly string[];
  readonly value: FilterValueType;
}

/** One sort of keys: `metrics.…`, `tags.…`, the record's own attributes. */
export interface FilterFamily {
  /** In the singular: stands in the tree and in messages. */
  readonly name: string;
  /**
   * What may stand before the dot, with dots of its own: `span.attributes`. The first is used when a filter is written.
   */
  readonly words: readonly string[];
  /** The keys that there are; any other is refused. Absent: whatever was logged. */
  readonly keys?: readonly FilterKey[];
  /** Of each key, when `keys` is absent. */
  readonly value?: FilterValueType;
  /** Records can be ordered by it. */
  readonly ordered: boolean;
}

export interface FilterEntity {
  /** In the plural, as messages say it. */
  readonly name: string;
  readonly families: readonly FilterFamily[];
  /** The family of a key without a word and a dot before it. */
  readonly bare: string;
}

const numeric = ['=', '!=', '<', '<=', '>', '>='] as const;
const textual = ['=', '!=', 'LIKE', 'ILIKE'] as const;

/** The types of values that there are. */
export const filterValues = {
  number: { type: 'number', operators: numeric },
  wholeNumber: { type: 'number', operators: numeric, whole: true },
  looseNumber: { type: 'number', operators: numeric, eitherWay: true },
  text: { type: 'text', operators: textual },
  listedText: { type: 'text', operators: [...textual, 'IN', 'NOT IN'] },
  optionalText: { type: 'text', operators: [...textual, 'IS NULL', 'IS NOT NULL'] },
  looseText: { type: 'text', operators: [...textual, 'IN', 'NOT IN'], eitherWay: true },
  /** Of traces: also by a regular expression. */
  listedPattern: { type: 'text', operators: [...textual, 'RLIKE', 'IN', 'NOT IN'] },
  optionalPattern: { type: 'text', operators: [...textual, 'RLIKE', 'IS NULL', 'IS NOT NULL'] },
  /** Somewhere in a long text. */
  contained: { type: 'text', operators: ['LIKE', 'ILIKE'] },
  /** A judgment: a number without quotes, all else in quotes. */
  judgment: {
    type: 'text',
    operators: [...numeric, 'LIKE', 'ILIKE', 'RLIKE', 'IS NULL', 'IS NOT NULL'],
    eitherWay: true,
  },
  exact: { type: 'text', operators: ['='] },
  /** A name that has no likeness: one of a few, or a number. */
  identity: { type: 'text', operators: ['=', '!=', 'IN', 'NOT IN'] },
} as const satisfies Record<string, FilterValueType>;
