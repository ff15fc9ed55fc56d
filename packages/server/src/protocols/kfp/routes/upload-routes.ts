/** Uploads of pipeline files: forms with the part `uploadfile`, and all other fields in the query string. */
import { DaisError } from '@dais/api';
import { createPipelineVersionOperation } from '@dais/api/executions';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readPipelineFile, type PipelineDocument } from '../ir/index.ts';
import { BASE } from '../route-table.ts';
import type { RespondFor, CallOperation } from '../route.ts';
import { addVersion, createPipelineWithVersion } from './create-pipeline.ts';
import { pipelineMessage, versionMessage } from './pipeline-message.ts';
import { newPipelineOf } from './pipeline-routes.ts';
import { requirePipeline } from './pipeline-source.ts';
import { string, type Message } from '../wire/message.ts';
import { bodyJson, parseMessage, queryJson } from '../wire/parse.ts';
import { invalid } from '../wire/rpc-status.ts';

/** For the table of endpoints. */
export const uploadEndpoints = [
  { method: 'POST', path: '/pipelines/upload', operation: createPipelineVersionOperation.name },
  { method: 'POST', path: '/pipelines/upload_version', operation: createPipelineVersionOperation.name },
] as const;

const query = {
  name: string,
  display_name: string,
  description: string,
  namespace: string,
  pipelineid: string,
  code_source_url: string,
  tags: string,
} satisfies Message;

const FORM_FIELD = 'uploadfile';

export function addUploads(app: FastifyInstance, respond: RespondFor): void {
  const add = (path: string, answer: UploadAnswer) => {
    app.route({
      method: 'POST',
      url: `${BASE}${path}`,
      config: { operation: createPipelineVersionOperation.name },
      handler: async (request, reply) => {
        const start = request.url.indexOf('?');
        const values = parseMessage(query, queryJson(query, start === -1 ? '' : request.url.slice(start + 1)));
        const file = await uploadedFile(request);
        const { pipelineid: pipeline_id = '', ...rest } = values;
        const document = readPipelineFile(file.bytes);
        return await respond(request, reply)(
          { ...rest, pipeline_id },
          async (given, call) => await answer(given as unknown as Given, { name: file.name, document }, call),
        );
      },
    });
  };
  add('/pipelines/upload', async (given, file, call) => {
    const requested = {
      ...newPipelineOf({ ...given, name: nameOf(given, file.name), tags: {} }, 'pipeline'),
      tags: tagsOf(given),
    };
    const version = { ...requested, tags: {}, sourceUrl: given.code_source_url ?? '', document: file.document };
    return pipelineMessage(await createPipelineWithVersion(requested, version, call));
  });
  add('/pipelines/upload_version', async (given, file, call) => {
    if (given.pipeline_id === '') throw invalid('pipelineid is missing: specify the pipeline of the version');
    const { id, name } = await requirePipeline(given.pipeline_id, call);
    const input = newPipelineOf({ ...given, name: nameOf(given, file.name), tags: {} }, 'pipeline version');
    const version = { ...input, tags: tagsOf(given), sourceUrl: given.code_source_url ?? '', document: file.document };
    return versionMessage(id, await addVersion(name, version, call), file.document);
  });
}

interface Given {
  readonly name?: string;
  readonly display_name?: string;
  readonly description?: string;
  readonly code_source_url?: string;
  readonly tags?: string;
  readonly pipeline_id: string;
}

interface UploadedFile {
  readonly name: string;
  readonly document: PipelineDocument;
}

type UploadAnswer = (given: Given, file: UploadedFile, call: CallOperation) => Promise<object>;

/** @throws RpcError `INVALID_ARGUMENT` for a body that is not such a form. */
async function uploadedFile(request: FastifyRequest): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const type = request.headers['content-type'] ?? '';
  if (!type.toLowerCase().startsWith('multipart/form-data')) {
    throw new DaisError(
      'unsupported_media_type',
      `The content type is ${JSON.stringify(type.slice(0, 100))}. Send a multipart form with the file in "${FORM_FIELD}".`,
    );
  }
  const body = (request.body as Buffer | undefined) ?? Buffer.alloc(0);
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } })
    .formData()
    .catch((error: unknown) => {
      throw invalid(`The form cannot be parsed: ${(error as Error).message.slice(0, 200)}`);
    });
  const file = form.get(FORM_FIELD);
  if (file === null || typeof file === 'string') throw invalid(`The form has no file in "${FORM_FIELD}"`);
  return { name: file.name, bytes: Buffer.from(await file.arrayBuffer()) };
}

/** Returns the requested name, or else the name of the file. */
function nameOf({ name = '', display_name: shown = '' }: Given, file: string): string {
  return name !== '' ? name : shown !== '' ? shown : file.replace(/\.(ya?ml|json|zip|tgz|tar\.gz)$/i, '');
}

/** @throws RpcError `INVALID_ARGUMENT` */
function tagsOf({ tags = '' }: Given): Readonly<Record<string, string>> {
  if (tags === '') return {};
  const given = bodyJson(Buffer.from(tags));
  if (Object.values(given).some((value) => typeof value !== 'string'))
    throw invalid('tags: an object with string values is expected');
  return given as Readonly<Record<string, string>>;
}
