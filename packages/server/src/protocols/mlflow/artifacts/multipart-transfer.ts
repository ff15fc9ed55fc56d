/** Multipart uploads: started, completed and aborted here; the parts go to separate URLs with a ticket. */
import type { Operation } from '@dais/api';
import { abortUploadOperation, beginUploadOperation, completeUploadOperation, MOST_PARTS } from '@dais/api/tracking';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ARTIFACT_ADDRESSES, type ArtifactIo, type CallerOf } from './artifact-transfer.ts';
import type { CallOperation, Refusals } from '#protocols/mlflow/route.ts';
import { absolute } from '#protocols/mlflow/server-address.ts';
import { joined } from '#protocols/mlflow/wire/artifact-location.ts';
import { safePath } from '#protocols/mlflow/wire/limits.ts';
import { int64, nested, repeated, required, string, type Message } from '#protocols/mlflow/wire/message.ts';
import { invalid, missing } from '#protocols/mlflow/wire/mlflow-error.ts';
import { parseMessage } from '#protocols/mlflow/wire/parse.ts';
import { bodyJson, requireJsonType, type Json } from '#protocols/mlflow/wire/request-json.ts';

/** What is served here, for the table of endpoints. */
export const multipartEndpoints = [
  { method: 'POST', path: '/api/2.0/mlflow-artifacts/mpu/create/*', operation: beginUploadOperation.name },
  { method: 'POST', path: '/api/2.0/mlflow-artifacts/mpu/complete/*', operation: completeUploadOperation.name },
  { method: 'POST', path: '/api/2.0/mlflow-artifacts/mpu/abort/*', operation: abortUploadOperation.name },
] as const;

const creation = { path: required(string), num_parts: int64 } satisfies Message;
const end = { path: required(string), upload_id: string } satisfies Message;
const completion = {
  ...end,
  parts: repeated(nested({ part_number: int64, etag: string, url: string })),
} satisfies Message;

export function addMultipartRoutes(app: FastifyInstance, io: ArtifactIo, callerOf: CallerOf): void {
  const route = (
    step: 'create' | 'complete' | 'abort',
    operation: Operation,
    answer: (request: FastifyRequest, json: Json, call: CallOperation) => Promise<object>,
  ) => {
    for (const base of ARTIFACT_ADDRESSES) {
      app.route({
        method: 'POST',
        url: `${base}/mpu/${step}/*`,
        config: { operation: operation.name },
        handler: async (request, reply) => {
          requireJsonType(request.headers['content-type']);
          const json = bodyJson((request.body as Buffer | undefined) ?? Buffer.alloc(0));
          const call = callerOf(io.contextOf(request, reply, 'mlflow'));
          return await reply.type('application/json').send(JSON.stringify(await answer(request, json, call)));
        },
      });
    }
  };
  route('create', beginUploadOperation, async (request, json, call) => {
    const { path, num_parts: parts = 0 } = parseMessage(creation, json);
    if (parts < 1 || parts > MOST_PARTS) {
      throw invalid(
        `Invalid value ${parts} for parameter 'num_parts' supplied: it must be between 1 and ${MOST_PARTS}.`,
      );
    }
    const { id, ticket, url } = await call(beginUploadOperation, { path: addressOf(request, path), parts });
    const address = absolute(url, request, io.address);
    const headers = { 'Dais-Ticket': ticket };
    const credentials = Array.from({ length: parts }, (_, index) => ({
      url: `${address}/${index + 1}`,
      part_number: index + 1,
      headers,
    }));
    return { upload_id: id, credentials };
  });
  route('complete', completeUploadOperation, async (request, json, call) => {
    const { path, upload_id: id, parts = [] } = parseMessage(completion, json);
    if (parts.length === 0) throw invalid("Missing value for required parameter 'parts'.");
    const named = parts.map(({ part_number: number = 0, etag = '' }) => ({ number, etag }));
    const input = { id: uploadOf(id), path: addressOf(request, path), parts: named };
    await call(completeUploadOperation, input, noUpload);
    return {};
  });
  route('abort', abortUploadOperation, async (request, json, call) => {
    const { path, upload_id: id } = parseMessage(end, json);
    await call(abortUploadOperation, { id: uploadOf(id), path: addressOf(request, path) }, noUpload);
    return {};
  });
}

const noUpload: Refusals = { not_found: ({ message }) => missing(message) };

/** @throws MlflowError for what no upload is called. */
function uploadOf(id: string | undefined): string {
  if (id === undefined) throw invalid("Missing value for required parameter 'upload_id'.");
  if (/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) return id;
  throw missing(`There is no upload ${JSON.stringify(id.slice(0, 80))}.`);
}

/** The folder is in the URL, the file name in the message. @throws MlflowError "Invalid path". */
function addressOf(request: FastifyRequest, path: string): string {
  return joined(safePath((request.params as { '*': string })['*']), fileName(path));
}

/** Clients before 3.18 send the local path of the file, in the format of their system. */
function fileName(path: string): string {
  const name = lastPart(safePath(lastPart(path)));
  if (name === '' || name === '.' || name === '..') throw invalid('Invalid path');
  return name;
}

function lastPart(path: string): string {
  return (
    path
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/^[A-Za-z]:/, '') ?? ''
  );
}
