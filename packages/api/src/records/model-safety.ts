import { z } from 'zod';

/** What was found in the files of a model version before anything loads them. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const modelScanStates = ['pending', 'done', 'failed', 'elsewhere'] as const;
export const modelScanResults = ['pending', 'clean', 'review', 'blocked'] as const;
export type ModelScanResult = (typeof modelScanResults)[number];

export const modelFindingSchema = z.strictObject({
  id: z.uuid().describe('Id of the finding.'),
  file: z.string().describe('Path below the model; `!` leads into an archive.'),
  rule: z.string().describe('What kind of finding: `pickle-import`, `onnx-external-data`, …'),
  severity: z
    .enum(['block', 'review'])
    .describe('`block`: it is not loaded; `review`: it is loaded in a process of its own only.'),
  detail: z.string().describe('What was found.'),
  state: z.enum(['open', 'waived']).describe('`waived`: waived with a reason.'),
  reason: z.string().optional().describe('Why it was waived.'),
  decidedBy: z.string().optional().describe('Who waived it.'),
  decidedAt: milliseconds.optional().describe('When.'),
});
export type ModelFinding = z.infer<typeof modelFindingSchema>;

export const modelScanSchema = z.strictObject({
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of the version.'),
  state: z
    .enum(modelScanStates)
    .describe('`elsewhere`: the artifacts are stored outside of Dais and were not scanned. The version is not served.'),
  result: z
    .enum(modelScanResults)
    .describe(
      '`clean`: nothing was found; `review`, `blocked`: the worst of the open findings; `pending`: not known yet.',
    ),
  files: z.int().describe('Number of scanned files.'),
  bytes: z.int().describe('Their size.'),
  findings: z.array(modelFindingSchema).describe('The worst first.'),
  error: z.string().optional().describe('Error message.'),
  askedAt: milliseconds.describe('Time of the request.'),
  endedAt: milliseconds.optional().describe('When it ended.'),
});
export type ModelScan = z.infer<typeof modelScanSchema>;

export const blockedVersionSchema = z.strictObject({
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of the version, the newest of the model.'),
  reason: z.string().describe('The first finding that blocks it, or why the scan failed.'),
  findings: z.int().describe('Number of open findings that block it; 0 when the scan failed.'),
  endedAt: milliseconds.describe('When the scan ended.'),
});
export type BlockedVersion = z.infer<typeof blockedVersionSchema>;
