import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import {
  datasetProfileSchema,
  qualityCheckResultsSchema,
  qualityCheckSchema,
  qualityReportSchema,
  suggestionSchema,
} from '#records/data-quality.ts';
import { datasetNameSchema } from '#records/data-reference.ts';
import { expectationsSchema } from '#records/expectation.ts';

const ofVersion = {
  name: datasetNameSchema.describe('Name of the dataset.'),
  version: z.string().min(1).max(160).describe('Version: a number, `latest`, a date, a timestamp or a tag.'),
};
const toDataset = ({ name }: { readonly name: string }) => ({ kind: 'Dataset', name });
const base = '/api/v1/data/datasets/:name/versions/:version' as const;

function http(method: HttpBinding['method'], path: HttpBinding['path'], more: Partial<HttpBinding> = {}): HttpBinding {
  return { method, path, status: 200, ...more };
}

export const readDatasetProfileOperation = defineOperation({
  name: 'datasetProfile.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the profile of a version: counts, statistics, histograms. Values of masked columns are omitted.',
  input: z.strictObject(ofVersion),
  output: datasetProfileSchema,
  target: toDataset,
  http: http('GET', `${base}/profile`),
});

export const makeDatasetProfileOperation = defineOperation({
  name: 'datasetProfile.make',
  action: 'dataset:check',
  mode: 'write',
  scope: 'project',
  summary: 'Recomputes the profile of a version.',
  input: z.strictObject(ofVersion),
  output: z.strictObject({ job: z.uuid().describe('Id of the job.') }),
  target: toDataset,
  http: http('POST', `${base}/profile`, { status: 202 }),
});

export const startQualityCheckOperation = defineOperation({
  name: 'qualityCheck.start',
  action: 'dataset:check',
  mode: 'write',
  scope: 'project',
  summary: 'Validates a version again, against the expectations of the dataset or others, without changing its state.',
  input: z.strictObject({
    ...ofVersion,
    expectations: expectationsSchema.optional().describe('Expectations. Default: those of the dataset.'),
  }),
  output: qualityCheckSchema,
  target: toDataset,
  http: http('POST', `${base}/checks`, { status: 202 }),
});

export const listQualityChecksOperation = defineOperation({
  name: 'qualityCheck.list',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the validations of all versions of a dataset, newest first.',
  input: z.strictObject({ name: ofVersion.name, ...pageInput }),
  output: z.strictObject({ items: z.array(qualityCheckSchema), nextCursor: z.string().optional() }),
  target: toDataset,
  http: http('GET', '/api/v1/data/datasets/:name/checks', { query: ['limit', 'cursor'] }),
});

export const readQualityCheckOperation = defineOperation({
  name: 'qualityCheck.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one validation with its results, failed ones first.',
  input: z.strictObject({
    name: ofVersion.name,
    check: z.string().min(1).max(160).describe('Id.'),
  }),
  output: qualityCheckResultsSchema,
  target: toDataset,
  http: http('GET', '/api/v1/data/datasets/:name/checks/:check'),
});

export const readQualityReportOperation = defineOperation({
  name: 'qualityReport.get',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the data quality report of a version: latest validation, profile and previous version.',
  input: z.strictObject(ofVersion),
  output: qualityReportSchema,
  target: toDataset,
  http: http('GET', `${base}/report`),
});

export const readQualityReportPageOperation = defineOperation({
  name: 'qualityReport.page',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the report as a self-contained HTML page.',
  input: z.strictObject(ofVersion),
  output: z.strictObject({
    size: z.int(),
    sha256: z.string().nullable().describe('Time of generation; null: generated on each request.'),
  }),
  target: toDataset,
  http: http('GET', `${base}/report.html`, { content: 'download', page: true }),
});

export const suggestExpectationsOperation = defineOperation({
  name: 'expectation.suggest',
  action: 'dataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Suggests expectations from the profile of a version, each with its reason.',
  input: z.strictObject(ofVersion),
  output: z.strictObject({
    items: z.array(suggestionSchema),
    manifest: z.string().describe('Expectations as YAML for `spec.expectations`, with reasons as comments.'),
  }),
  target: toDataset,
  http: http('GET', `${base}/suggestions`),
});

export const releaseDatasetVersionOperation = defineOperation({
  name: 'datasetVersion.release',
  action: 'dataset:release',
  mode: 'write',
  scope: 'project',
  summary: 'Releases a quarantined version. The reason is recorded with the caller.',
  input: z.strictObject({
    ...ofVersion,
    reason: z.string().min(1).max(2000).describe('Reason of the release.'),
  }),
  output: z.strictObject({
    number: z.int().describe('Number of the version.'),
    id: z.uuid().describe('Id.'),
    state: z.string().describe('`ready`.'),
  }),
  target: toDataset,
  roles: ['approver', 'editor'],
  http: http('POST', `${base}/release`),
});

export const dataQualityOperations: readonly Operation[] = [
  readDatasetProfileOperation,
  makeDatasetProfileOperation,
  startQualityCheckOperation,
  listQualityChecksOperation,
  readQualityCheckOperation,
  readQualityReportOperation,
  readQualityReportPageOperation,
  suggestExpectationsOperation,
  releaseDatasetVersionOperation,
];
