import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

const tree = '/api/v1/tracking/artifacts' as const;
const bytes = '/api/v1/tracking/artifacts/content' as const;
const ofArtifact = () => ({ kind: 'Artifact' });

const path = z
  .string()
  .min(1)
  .max(1024)
  .describe('Relative path, separated by `/`: `1/4f2a…/artifacts/model/MLmodel`. No segment is empty, `.` or `..`.');
const sha256 = z.string().nullable().describe('SHA-256 of the bytes; null until known.');

export const listArtifactsOperation = defineOperation({
  name: 'artifact.list',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists an artifact folder.',
  input: z.strictObject({
    path: path.optional().describe('Folder; default: the whole project.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum entries per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        name: z.string().describe('Name in the folder.'),
        directory: z.boolean().describe('Whether it is a folder.'),
        size: z.int().optional().describe('Size of a file in bytes.'),
      }),
    ),
    nextCursor: z.string().optional(),
  }),
  target: ofArtifact,
  http: { method: 'GET', path: tree, status: 200, query: ['path', 'limit', 'cursor'] },
});

export const readArtifactOperation = defineOperation({
  name: 'artifact.read',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Downloads an artifact, whole or a range.',
  input: z.strictObject({ path }),
  output: z.strictObject({ size: z.int(), sha256 }),
  target: ofArtifact,
  http: { method: 'GET', path: bytes, status: 200, query: ['path'], content: 'download' },
});

export const showArtifactOperation = defineOperation({
  name: 'artifact.show',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an HTML artifact as a sandboxed page without network access.',
  input: z.strictObject({ path }),
  output: z.strictObject({ size: z.int(), sha256 }),
  target: ofArtifact,
  http: {
    method: 'GET',
    path: '/api/v1/tracking/artifacts/page',
    status: 200,
    query: ['path'],
    content: 'download',
    page: true,
  },
});

export const linkArtifactOperation = defineOperation({
  name: 'artifact.link',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Returns a presigned download URL of an artifact: of the S3 store if content is in S3, otherwise of this server.',
  input: z.strictObject({
    path,
    seconds: z.int().min(1).max(604_800).default(900).describe('Validity period.'),
  }),
  output: z.strictObject({
    url: z
      .string()
      .describe('Download URL. Treat it as a secret while it is valid. A URL of this server is a path without a host.'),
    headers: z.record(z.string(), z.string()).describe('Headers to send. Treat them as secrets.'),
    size: z.int(),
    sha256,
  }),
  target: ofArtifact,
  http: { method: 'GET', path: `${tree}/link`, status: 200, query: ['path', 'seconds'] },
});

export const writeArtifactOperation = defineOperation({
  name: 'artifact.write',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Uploads an artifact. An artifact at this path is replaced.',
  input: z.strictObject({ path }),
  output: z.strictObject({ path: z.string(), size: z.int(), sha256 }),
  target: ofArtifact,
  roles: ['operator', 'editor'],
  http: { method: 'PUT', path: bytes, status: 200, query: ['path'], content: 'upload' },
});

export const deleteArtifactOperation = defineOperation({
  name: 'artifact.delete',
  action: 'artifact:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes an artifact or a folder recursively. Idempotent.',
  input: z.strictObject({ path }),
  output: z.strictObject({ deleted: z.int().describe('Number of deleted files.') }),
  target: ofArtifact,
  roles: ['editor'],
  http: { method: 'DELETE', path: tree, status: 200, query: ['path'] },
});

const transfers = '/api/v1/tracking/artifact-uploads' as const;
const ticket = z
  .string()
  .min(1)
  .max(128)
  .describe('Value of the header `Dais-Ticket`, which replaces other credentials.');
const uploadId = z.uuid().describe('Id of the upload.');
const ofUpload = {
  id: uploadId,
  path: path.optional().describe('Path from the start of the upload.'),
};

/** Maximum number of parts of one upload: the limit of S3. */
export const MOST_PARTS = 10_000;

export const beginUploadOperation = defineOperation({
  name: 'artifactUpload.begin',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a multipart upload. Parts can be sent in parallel and in any order.',
  input: z.strictObject({
    path,
    parts: z.int().min(1).max(MOST_PARTS).describe('Number of parts.'),
  }),
  output: z.strictObject({
    id: z.string(),
    ticket: z.string().describe('Secret for the header `Dais-Ticket` of every part.'),
    url: z.string().describe('URL prefix of the parts: part 1 is uploaded to `<url>/1`. A path without a host.'),
    expiresAt: z.string().describe('Expiry of the upload; RFC 3339. An incomplete upload is aborted then.'),
  }),
  target: ofArtifact,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: transfers, status: 201 },
});

export const putPartOperation = defineOperation({
  name: 'artifactUpload.putPart',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Uploads one part. A part that is sent again is replaced.',
  input: z.strictObject({
    id: uploadId,
    number: z
      .string()
      .regex(/^[1-9]\d{0,4}$/)
      .describe('Part number, from 1.'),
    ticket,
  }),
  output: z.strictObject({
    number: z.int(),
    etag: z.string().describe('ETag of the part, which the completion of the upload requires.'),
    size: z.int(),
  }),
  target: ofArtifact,
  public: true,
  http: {
    method: 'PUT',
    path: '/transfer/artifact-uploads/:id/parts/:number',
    status: 200,
    content: 'upload',
    ticketField: 'ticket',
    etagField: 'etag',
  },
});

export const completeUploadOperation = defineOperation({
  name: 'artifactUpload.complete',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Completes a multipart upload. An artifact at this path is replaced. Idempotent.',
  input: z.strictObject({
    ...ofUpload,
    parts: z
      .array(z.strictObject({ number: z.int(), etag: z.string().max(128).describe('With or without quotes.') }))
      .min(1)
      .max(MOST_PARTS)
      .describe('ETags of all parts, in order, from their responses.'),
  }),
  output: z.strictObject({ path: z.string(), size: z.int(), sha256 }),
  target: ofArtifact,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: `${transfers}/:id/complete`, status: 200 },
});

export const abortUploadOperation = defineOperation({
  name: 'artifactUpload.abort',
  action: 'artifact:write',
  mode: 'write',
  scope: 'project',
  summary: 'Aborts a multipart upload with its parts. Idempotent.',
  input: z.strictObject({ ...ofUpload }),
  output: z.strictObject({ aborted: z.boolean().describe('Whether there was an upload to abort.') }),
  target: ofArtifact,
  roles: ['operator', 'editor'],
  http: { method: 'DELETE', path: `${transfers}/:id`, status: 200, query: ['path'] },
});

export const fetchArtifactOperation = defineOperation({
  name: 'artifact.fetch',
  action: 'artifact:read',
  mode: 'read',
  scope: 'project',
  summary: 'Downloads the artifact of a presigned link, whole or a range.',
  input: z.strictObject({ id: z.uuid().describe('Ticket of the link.'), ticket }),
  output: z.strictObject({ size: z.int(), sha256 }),
  target: ofArtifact,
  public: true,
  http: {
    method: 'GET',
    path: '/transfer/artifacts/:id',
    status: 200,
    content: 'download',
    ticketField: 'ticket',
  },
});

export const artifactOperations: readonly Operation[] = [
  listArtifactsOperation,
  readArtifactOperation,
  showArtifactOperation,
  linkArtifactOperation,
  writeArtifactOperation,
  deleteArtifactOperation,
  beginUploadOperation,
  putPartOperation,
  completeUploadOperation,
  abortUploadOperation,
  fetchArtifactOperation,
];
