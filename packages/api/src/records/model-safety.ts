import { z } from 'zod';

/** Findings in the files of a model version, from a scan before any load. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const modelScanStates = ['pending', 'succeeded', 'failed', 'external'] as const;
export const modelScanResults = ['pending', 'clean', 'review', 'blocked'] as const;
export type ModelScanResult = (typeof modelScanResults)[number];

export const modelFindingSchema = z.strictObject({
  id: z.uuid().describe('Id of the finding.'),
  file: z.string().describe('Path within the model; `!` separates an archive from its entry.'),
  rule: z.string().describe('Type of the finding: `pickle-import`, `onnx-external-data`, …'),
  severity: z
    .enum(['block', 'review'])
    .describe('`block`: the model is not loaded; `review`: the model is loaded only in an isolated process.'),
  detail: z.string().describe('Description of the finding.'),
  state: z.enum(['open', 'waived']).describe('`waived`: waived with a reason.'),
  reason: z.string().optional().describe('Reason of the waiver.'),
  decidedBy: z.string().optional().describe('User who waived it.'),
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
    .describe('`clean`: no findings; `review`, `blocked`: the most severe open finding; `pending`: not scanned yet.'),
  files: z.int().describe('Number of scanned files.'),
  bytes: z.int().describe('Total size in bytes.'),
  findings: z.array(modelFindingSchema).describe('Findings, most severe first.'),
  error: z.string().optional().describe('Error message.'),
  requestedAt: milliseconds.describe('Time of the request.'),
  endedAt: milliseconds.optional().describe('End time.'),
});
export type ModelScan = z.infer<typeof modelScanSchema>;

export const blockedVersionSchema = z.strictObject({
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of the version, the newest of the model.'),
  reason: z.string().describe('First blocking finding, or the error of the scan.'),
  findings: z.int().describe('Number of open blocking findings; 0 if the scan failed.'),
  endedAt: milliseconds.describe('End time of the scan.'),
});
export type BlockedVersion = z.infer<typeof blockedVersionSchema>;
