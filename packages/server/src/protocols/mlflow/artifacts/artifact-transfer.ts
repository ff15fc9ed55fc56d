/** Artifacts as bytes: uploads and downloads pass as streams, at the addresses below which clients keep their files. */
import { Readable } from 'node:stream';
import {
  deleteArtifactOperation,
  linkArtifactOperation,
  readArtifactFileOperation,
  readArtifactOperation,
  writeArtifactOperation,
} from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Download } from '#kernel/content/download.ts';
import { withContent, type CallContext } from '#kernel/context.ts';
import { byteSpan } from '#lib/http/byte-range.ts';
import type { CallOperation, Refusals } from '#protocols/mlflow/route.ts';
import { absolute, type ServerAddress } from '#protocols/mlflow/server-address.ts';
import { attachment, contentTypeOf, folderOf, isFolder, joined } from '#protocols/mlflow/wire/artifact-location.ts';
import { safePath } from '#protocols/mlflow/wire/limits.ts';
import { invalid, missing, MlflowError } from '#protocols/mlflow/wire/mlflow-error.ts';

export interface ArtifactIo {
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  readContent(payload: FastifyRequest['raw']): Readable;
  readonly address: ServerAddress;
}

export type CallerOf = (context: CallContext) => CallOperation;

export const ARTIFACT_ADDRESSES = ['/api/2.0/mlflow-artifacts', '/ajax-api/2.0/mlflow-artifacts'] as const;
/** Clients try these first if the server offers them, and otherwise fall back. */
const UNSUPPORTED = {
  download: 'Multipart download is not supported for the current artifact repository',
  presignedUpload: 'Presigned upload is not supported for the current artifact repository',
  presignedDownload: 'Presigned download is not supported for the current artifact repository',
} as const;

/** What is served here, for the table of endpoints. */
export const byteEndpoints = [
  { method: 'GET', path: '/api/2.0/mlflow-artifacts/artifacts/*', operation: readArtifactOperation.name },
  { method: 'GET', path: '/api/2.0/mlflow-artifacts/presigned/*', operation: linkArtifactOperation.name },
  { method: 'PUT', path: '/api/2.0/mlflow-artifacts/artifacts/*', operation: writeArtifactOperation.name },
  { method: 'DELETE', path: '/api/2.0/mlflow-artifacts/artifacts/*', operation: deleteArtifactOperation.name },
] as const;

/** Added in a separate scope without a body parser. */
export async function addArtifactRoutes(app: FastifyInstance, io: ArtifactIo, callerOf: CallerOf): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    for (const base of ARTIFACT_ADDRESSES) {
      const url = `${base}/artifacts/*`;
      const plain = { url, compress: false, bodyLimit: Number.MAX_SAFE_INTEGER } as const;
      scope.route({
        ...plain,
        method: 'GET',
        config: { operation: readArtifactOperation.name },
        handler: async (request, reply) =>
          await sendArtifact(request, reply, pathOf(request), callerOf(io.contextOf(request, reply, 'mlflow'))),
      });
      scope.route({
        ...plain,
        method: 'PUT',
        config: { operation: writeArtifactOperation.name },
        handler: async (request, reply) => await receiveArtifact(request, reply, io, callerOf),
      });
      scope.route({
        ...plain,
        method: 'DELETE',
        config: { operation: deleteArtifactOperation.name },
        handler: async (request, reply) => {
          const call = callerOf(io.contextOf(request, reply, 'mlflow'));
          await call(deleteArtifactOperation, { path: pathOf(request) });
          return await reply.type('application/json').send('{}');
        },
      });
      scope.route({
        method: 'GET',
        url: `${base}/presigned/*`,
        config: { operation: linkArtifactOperation.name },
        handler: async (request, reply) => {
          const path = pathOf(request);
          const call = callerOf(io.contextOf(request, reply, 'mlflow'));
          const link = await call(linkArtifactOperation, { path }, { ...noArtifact(path), ...noLinks });
          const url = absolute(link.url, request, io.address);
          const body = { url, headers: link.headers, file_size: link.size };
          return await reply.type('application/json').send(JSON.stringify(body));
        },
      });
    }
    for (const api of ['/api', '/ajax-api']) {
      const url = `${api}/2.0/mlflow/artifacts`;
      addUnsupported(scope, `${url}/presigned-upload-url`, UNSUPPORTED.presignedUpload);
      addUnsupported(scope, `${url}/presigned-download-url`, UNSUPPORTED.presignedDownload);
    }
  });
}

function addUnsupported(scope: FastifyInstance, url: string, message: string): void {
  scope.route({
    method: 'POST',
    url,
    config: { operation: 'refusal' },
    // The body of a refused request is not read.
    onRequest: () => {
      throw new MlflowError('NOT_IMPLEMENTED', message);
    },
    handler: () => undefined,
  });
}

/** @throws MlflowError "Invalid path". */
function pathOf(request: FastifyRequest): string {
  const path = safePath((request.params as { '*': string })['*']);
  if (path === '') throw invalid('Invalid path');
  return path;
}

/** Returns the bytes of an artifact, whole or as the requested range. */
async function sendArtifact(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  call: CallOperation,
): Promise<FastifyReply> {
  return await sendDownload(request, reply, path, await call(readArtifactOperation, { path }, noArtifact(path)));
}

/** The same for a file below the artifacts of a run or model, at any location. */
export async function sendFileAt(
  request: FastifyRequest,
  reply: FastifyReply,
  { uri, path }: { readonly uri: string; readonly path: string },
  call: CallOperation,
): Promise<FastifyReply> {
  if (!isFolder(uri)) return await sendArtifact(request, reply, joined(folderOf(uri), path), call);
  const found = await call(readArtifactFileOperation, { home: uri, path }, noArtifact(path));
  return await sendDownload(request, reply, path, found);
}

async function sendDownload(
  request: FastifyRequest,
  reply: FastifyReply,
  path: string,
  answer: object,
): Promise<FastifyReply> {
  const found = answer as Download;
  reply.headers({
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-cache',
    'content-disposition': attachment(path),
    'x-content-type-options': 'nosniff',
  });
  const span = byteSpan(request.headers.range, found.size);
  if (span === 'outside') {
    reply.header('content-range', `bytes */${found.size}`);
    throw new MlflowError('INVALID_PARAMETER_VALUE', `The artifact has ${found.size} bytes.`, { status: 416 });
  }
  if (span !== undefined) reply.code(206).header('content-range', `bytes ${span.start}-${span.end}/${found.size}`);
  reply.header('content-length', span === undefined ? found.size : span.end - span.start + 1).type(contentTypeOf(path));
  return await reply.send(request.method === 'HEAD' ? Readable.from([]) : await found.open(span));
}

async function receiveArtifact(
  request: FastifyRequest,
  reply: FastifyReply,
  io: ArtifactIo,
  callerOf: CallerOf,
): Promise<FastifyReply> {
  const path = pathOf(request);
  const content = io.readContent(request.raw);
  try {
    const call = callerOf(withContent(io.contextOf(request, reply, 'mlflow'), content));
    await call(writeArtifactOperation, { path });
  } finally {
    content.destroy();
  }
  return await reply.type('application/json').send('{}');
}

/** Clients then read through here. */
const noLinks: Refusals = { rate_limited: () => new MlflowError('NOT_IMPLEMENTED', UNSUPPORTED.download) };

function noArtifact(path: string): Refusals {
  const gone = () => missing(`No such artifact: '${path}'`);
  return { not_found: gone, content_missing: gone };
}
