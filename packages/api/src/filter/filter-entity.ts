/**
 * The filter and order grammar of one kind of record, as data. The parser, the writer, the console's completion and the
 * translation to SQL use it.
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

/** The value type and the operators of a key. */
export interface FilterValueType {
  readonly type: 'number' | 'text';
  readonly operators: readonly FilterOperator[];
  /** Numbers must be integers. */
  readonly whole?: true;
  /** Numbers can be quoted, and numeric text can be unquoted. */
  readonly eitherWay?: true;
}

export interface FilterKey {
  readonly name: string;
  /** Aliases. */
  readonly aliases?: readonly string[];
  readonly value: FilterValueType;
}

/** One family of keys: `metrics.…`, `tags.…`, the record's own attributes. */
export interface FilterFamily {
  /** In the singular: used in the tree and in messages. */
  readonly name: string;
  /** The words before the dot, which can contain dots: `span.attributes`. Filters are written with the first. */
  readonly words: readonly string[];
  /** The valid keys; others are rejected. Absent: any logged key. */
  readonly keys?: readonly FilterKey[];
  /** Type of each key, when `keys` is absent. */
  readonly value?: FilterValueType;
  /** Records can be sorted by it. */
  readonly ordered: boolean;
}

export interface FilterEntity {
  /** In the plural, for messages. */
  readonly name: string;
  readonly families: readonly FilterFamily[];
  /** The family of a key without a family and a dot before it. */
  readonly bare: string;
}

const numeric = ['=', '!=', '<', '<=', '>', '>='] as const;
const textual = ['=', '!=', 'LIKE', 'ILIKE'] as const;

/** The types of values. */
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
  /** Substring of a long text. */
  contained: { type: 'text', operators: ['LIKE', 'ILIKE'] },
  /** An assessment: an unquoted number, otherwise quoted. */
  judgment: {
    type: 'text',
    operators: [...numeric, 'LIKE', 'ILIKE', 'RLIKE', 'IS NULL', 'IS NOT NULL'],
    eitherWay: true,
  },
  exact: { type: 'text', operators: ['='] },
  /** A name without pattern operators: an enumeration, or a number. */
  identity: { type: 'text', operators: ['=', '!=', 'IN', 'NOT IN'] },
} as const satisfies Record<string, FilterValueType>;
