import { z } from 'zod';

/** Search of records by fields, for programs that have comparisons instead of a filter text. */

export const recordComparisons = ['=', '!=', '<', '<=', '>', '>=', 'in', 'contains'] as const;
export type RecordComparison = (typeof recordComparisons)[number];

const text = z.string().max(4096);

/** The comparison of one field. */
export interface RecordCondition {
  readonly field: string;
  readonly is: RecordComparison;
  readonly value: string | number | boolean | readonly string[];
}

export interface RecordSearch {
  readonly where: readonly RecordCondition[];
  readonly sortBy?: string;
  readonly descending: boolean;
  readonly limit: number;
  readonly cursor?: string;
  readonly count: boolean;
}

export function recordSearchInput<const Field extends string>(fields: readonly [Field, ...Field[]]) {
  return z.strictObject({
    where: z
      .array(
        z.strictObject({
          field: z.enum(fields),
          is: z.enum(recordComparisons).describe('Operator. `contains` is case-insensitive.'),
          value: z
            .union([text, z.number(), z.boolean(), z.array(text).max(1000)])
            .describe('Value. Times are milliseconds since 1970-01-01 UTC; `in` takes a list of strings.'),
        }),
      )
      .max(60)
      .default([])
      .describe('Conditions; all must hold.'),
    sortBy: z.enum(fields).optional().describe('Sort key. Default: creation time.'),
    descending: z.boolean().default(true),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(16_384).optional().describe('`nextCursor` of the previous page.'),
    count: z.boolean().default(false).describe('Whether to return the total number.'),
  });
}
