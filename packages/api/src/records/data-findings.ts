import { z } from 'zod';
import { maskMethods } from '#kinds/dataset.ts';
import { actorSchema } from '#manifest.ts';

/** Findings of personal data and secrets in datasets, decisions about them, and masks. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

/**
 * `open`: undecided. `resolved`: confirmed and masked. `waived`: allowed unmasked. `gone`: absent in the newest scan.
 */
export const findingStates = ['open', 'resolved', 'waived', 'gone'] as const;
export type FindingState = (typeof findingStates)[number];

export const dataFindingSchema = z.strictObject({
  id: z.uuid(),
  dataset: z.string().describe('Name of the dataset.'),
  column: z.string().describe('Name of the column.'),
  entity: z.string().describe('Category: `EMAIL_ADDRESS`, `IBAN_CODE`, `PERSON`.'),
  confidence: z.number().describe('Confidence, between 0 and 1. Not a probability.'),
  share: z.number().describe('Share of the scanned values that match, between 0 and 1.'),
  evidence: z.enum(['values', 'name', 'both']).describe('Evidence: the values, or the name of the column.'),
  example: z.string().optional().describe('Pattern of one match, with letters and digits replaced.'),
  state: z.enum(findingStates),
  mask: z.enum(maskMethods).optional().describe('Masking method of a resolved finding.'),
  declared: z.boolean().describe('Whether the manifest declares the column as sensitive.'),
  firstVersion: z.int().describe('First version with the finding.'),
  lastVersion: z.int().describe('Newest version with the finding.'),
  foundAt: milliseconds,
  decidedBy: actorSchema.optional().describe('User who resolved, waived or reopened the finding.'),
  decidedAt: milliseconds.optional(),
  reason: z.string().optional().describe('Reason that the user entered.'),
  expiresAt: milliseconds.optional().describe('End of the waiver. The finding is open again afterwards.'),
});
export type DataFinding = z.output<typeof dataFindingSchema>;

export const dataScanSchema = z.strictObject({
  dataset: z.string().describe('Name of the dataset.'),
  version: z.int().describe('Number of the version.'),
  state: z.enum(['pending', 'succeeded', 'failed']),
  columns: z.int().describe('Number of scanned columns.'),
  rows: z.int().describe('Number of scanned rows (a deterministic sample).'),
  findings: z.int().describe('Number of findings.'),
  error: z.string().optional().describe('Error message.'),
  endedAt: milliseconds.optional(),
});
export type DataScan = z.output<typeof dataScanSchema>;

export const columnMaskSchema = z.strictObject({
  column: z.string().describe('Name of the column.'),
  method: z.enum(maskMethods).describe('Masking method.'),
  category: z.string().describe('Detected type of personal data.'),
  source: z.enum(['declared', 'finding']).describe('Source: the manifest, or a finding that is not waived.'),
});
export type ColumnMask = z.output<typeof columnMaskSchema>;

export const pseudonymKeySchema = z.strictObject({
  id: z.string().describe('Prefix of every pseudonym of this key.'),
  dataset: z.string().optional().describe('Salt of this dataset; absent: the key of the project.'),
  state: z
    .enum(['current', 'retired', 'destroyed'])
    .describe('`retired`: replaced by another key. `destroyed`: its pseudonyms cannot be created again.'),
  createdAt: milliseconds,
  destroyedAt: milliseconds.optional(),
});
export type PseudonymKey = z.output<typeof pseudonymKeySchema>;
