import { z } from 'zod';

/** What whoever may not unmask a column sees in its place. */
export const maskSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('redact').describe('Nothing of the value: `[redacted]` in texts, null in all else.'),
  }),
  z.strictObject({
    type: z
      .literal('hash')
      .describe('A SHA-256 with the secret salt of the dataset: equal values stay equal within this dataset only.'),
  }),
  z.strictObject({
    type: z
      .literal('pseudonym')
      .describe('An HMAC-SHA-256 with the key of the project: equal values stay equal in all datasets of the project.'),
  }),
  z.strictObject({
    type: z.literal('generalise').describe('Less exact: what `to` says.'),
    to: z
      .enum(['year', 'month', 'bin', 'prefix', 'network', 'domain'])
      .describe(
        '`year`, `month`: of dates. `bin`: of numbers, the lower end of a bin. `prefix`: the first letters. `network`: of an IP address, its /24 (IPv6: /48). `domain`: of an e-mail address.',
      ),
    width: z.number().positive().optional().describe('Width of a `bin`; default 10.'),
    length: z.int().min(1).max(64).optional().describe('Letters of a `prefix`; default 3.'),
  }),
]);
export type Mask = z.output<typeof maskSchema>;

/** The mask of a column that nobody chose one for. */
export const DEFAULT_MASK: Mask = { type: 'redact' };

/** A column that holds what not everybody may see. */
export const sensitiveColumnSchema = z.strictObject({
  column: z.string().min(1).max(1024).describe('Name of the column.'),
  category: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, { message: 'letters, digits, `_` and `-`' })
    .describe('What it holds: `EMAIL_ADDRESS`, `PERSON`, `health`.'),
  mask: maskSchema.optional().describe('What whoever may not unmask sees in its place; default `redact`.'),
});
export type SensitiveColumn = z.output<typeof sensitiveColumnSchema>;

/** A column of a dataset with the mask that counts for whoever asks. */
export interface MaskedColumn {
  readonly column: string;
  readonly mask: Mask;
  /** Why: the dataset says so, or a finding that nobody has waived. */
  readonly because: 'declared' | 'finding';
}
