/** Files for the MLflow UI: by run, by logged model, by model version. */
import { Readable } from 'node:stream';
import { readModelVersionOperation } from '@dais/api/registry';
import {
  readArtifactOperation,
  readLoggedModelOperation,
  readRunOperation,
  writeArtifactOperation,
} from '@dais/api/tracking';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withContent } from '#kernel/context.ts';
import { sendFileAt, type ArtifactIo, type CallerOf } from './artifact-transfer.ts';
import type { CallOperation } from '#protocols/mlflow/route.ts';
import { modelName, noModel } from '#protocols/mlflow/routes/logged-model-routes.ts';
import { refusedVersion } from '#protocols/mlflow/routes/registry-errors.ts';
import { refusedRun } from '#protocols/mlflow/routes/run-errors.ts';
import { folderOf, joined } from '#protocols/mlflow/wire/artifact-location.ts';
import { runName, safePath } from '#protocols/mlflow/wire/limits.ts';
import { invalid, MlflowError } from '#protocols/mlflow/wire/mlflow-error.ts';
import { versionNumber } from '#protocols/mlflow/wire/registry-limits.ts';

const MODEL_FILES = '/ajax-api/2.0/mlflow/logged-models/:model_id/artifacts/files';
const UPLOAD = '/ajax-api/2.0/mlflow/upload-artifact';
const VERSION_FILES = '/model-versions/get-artifact';

/** What is served here, for the table of endpoints: none of it is in MLflow's protocol files. */
export const pageEndpoints = [
  { method: 'GET', path: '/get-artifact', operation: readArtifactOperation.name },
  { method: 'GET', path: VERSION_FILES, operation: readArtifactOperation.name },
  { method: 'GET', path: MODEL_FILES, operation: readArtifactOperation.name },
  { method: 'POST', path: UPLOAD, operation: writeArtifactOperation.name },
] as const;

/** Largest file that the pages upload; MLflow refuses more too. */
const LARGEST = 10 * 1024 * 1024;

/** Added in a separate scope without a body parser. */
export async function addPageFiles(app: FastifyInstance, io: ArtifactIo, callerOf: CallerOf): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    addRoutes(scope, io, callerOf);
  });
}

interface FileLocation {
  readonly uri: string;
  readonly path: string;
}

function addRoutes(scope: FastifyInstance, io: ArtifactIo, callerOf: CallerOf): void {
  const download = (url: string, locate: (request: FastifyRequest, call: CallOperation) => Promise<FileLocation>) =>
    scope.route({
      method: 'GET',
      url,
      compress: false,
      config: { operation: readArtifactOperation.name },
      handler: async (request, reply) => {
        const call = callerOf(io.contextOf(request, reply, 'mlflow'));
        return await sendFileAt(request, reply, await locate(request, call), call);
      },
    });
  download('/get-artifact', async (request, call) => {
    const id = textOf(request, 'run_id') ?? textOf(request, 'run_uuid');
    if (id === undefined) throw invalid("Missing value for required parameter 'run_id'.");
    const file = fileOf(request, 'path');
    const { artifactUri } = await call(readRunOperation, { id: runName(id) }, refusedRun(id));
    return { uri: artifactUri, path: file };
  });
  download(VERSION_FILES, async (request, call) => {
    const name = needed(request, 'name');
    const version = versionNumber(name, needed(request, 'version'));
    const file = fileOf(request, 'path');
    const input = { name, version };
    const { artifactUri } = await call(readModelVersionOperation, input, refusedVersion(name, version));
    return { uri: artifactUri, path: file };
  });
  download(MODEL_FILES, async (request, call) => {
    const id = (request.params as { model_id: string }).model_id;
    if (textOf(request, 'artifact_file_path') === undefined) {
      throw new MlflowError('BAD_REQUEST', 'Request must include the "artifact_file_path" query parameter.');
    }
    const file = fileOf(request, 'artifact_file_path');
    const { artifactUri } = await call(readLoggedModelOperation, { id: modelName(id) }, noModel(id));
    return { uri: artifactUri, path: file };
  });
  scope.route({
    method: 'POST',
    url: UPLOAD,
    bodyLimit: Number.MAX_SAFE_INTEGER,
    config: { operation: writeArtifactOperation.name },
    handler: async (request, reply) => await upload(request, reply, io, callerOf),
  });
}

/** One file of a run, at most 10 MB. */
async function upload(
  request: FastifyRequest,
  reply: FastifyReply,
  io: ArtifactIo,
  callerOf: CallerOf,
): Promise<FastifyReply> {
  const id = textOf(request, 'run_id') ?? textOf(request, 'run_uuid');
  if (id === undefined) throw invalid('Request must specify run_id or run_uuid.');
  if (textOf(request, 'path') === undefined) throw invalid('Request must specify path.');
  const file = fileOf(request, 'path');
  if (Number(request.headers['content-length'] ?? 0) > LARGEST) throw tooLarge();
  const bytes = await readAll(io.readContent(request.raw));
  if (bytes.length === 0) throw invalid('Request must specify data.');
  const context = io.contextOf(request, reply, 'mlflow');
  const { artifactUri } = await callerOf(context)(readRunOperation, { id: runName(id) }, refusedRun(id));
  const path = joined(folderOf(artifactUri), file);
  await callerOf(withContent(context, Readable.from([bytes])))(writeArtifactOperation, { path });
  return await reply.type('application/json').send('{}');
}

function tooLarge(): MlflowError {
  return new MlflowError('INVALID_PARAMETER_VALUE', 'Artifact size is too large. Max size is 10MB.', { status: 413 });
}

/** @throws MlflowError as soon as there is too much. */
async function readAll(content: Readable): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of content) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size > LARGEST) throw tooLarge();
    }
  } finally {
    content.destroy();
  }
  return Buffer.concat(parts);
}

/** Undefined when it is empty, or there more than once. */
function textOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function needed(request: FastifyRequest, name: string): string {
  const value = textOf(request, name);
  if (value === undefined) throw invalid(`Missing value for required parameter '${name}'.`);
  return value;
}

/** @throws MlflowError "Invalid path". */
function fileOf(request: FastifyRequest, name: string): string {
  const file = safePath(needed(request, name));
  if (file === '') throw invalid('Invalid path');
  return file;
}
