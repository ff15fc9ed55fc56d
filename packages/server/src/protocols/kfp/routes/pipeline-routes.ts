import {
  createPipelineVersionOperation,
  deletePipelineVersionOperation,
  labelPipelineOperation,
  readPipelineVersionOperation,
  searchPipelinesOperation,
  searchPipelineVersionsOperation,
  type PipelineHead,
} from '@dais/api/executions';
import { route, type CallOperation, type Route } from '../route.ts';
import { listFields, nextPage, readList } from '../wire/list-request.ts';
import { bool, nested, string, struct, texts, outputOnly, type Values } from '../wire/message.ts';
import { invalid, RpcError } from '../wire/rpc-status.ts';
import {
  addVersion,
  createPipelineOperation,
  deletePipelineOperation,
  createPipeline,
  createPipelineWithVersion,
  type NewPipeline,
  type NewPipelineVersion,
} from './create-pipeline.ts';
import { pipelineMessage, versionMessage } from './pipeline-message.ts';
import { documentOfMessage, requirePipeline } from './pipeline-source.ts';
import { recordSearch, type SearchFields } from './record-search.ts';

const pipelineFields = {
  pipeline_id: string,
  display_name: string,
  name: string,
  description: string,
  created_at: outputOnly,
  namespace: string,
  error: outputOnly,
  tags: texts,
};

const versionFields = {
  pipeline_id: string,
  pipeline_version_id: outputOnly,
  display_name: string,
  name: string,
  description: string,
  created_at: outputOnly,
  package_url: nested({ pipeline_url: string }),
  code_source_url: string,
  pipeline_spec: struct,
  error: outputOnly,
  tags: texts,
};

const FIELDS: SearchFields = {
  pipeline_id: { field: 'id', type: 'id' },
  id: { field: 'id', type: 'id' },
  display_name: { field: 'displayName', type: 'text' },
  name: { field: 'name', type: 'text' },
  description: { field: 'description', type: 'text' },
  created_at: { field: 'createdAt', type: 'moment' },
};
const VERSION_FIELDS: SearchFields = {
  pipeline_version_id: { field: 'id', type: 'id' },
  id: { field: 'id', type: 'id' },
  display_name: { field: 'displayName', type: 'text' },
  name: { field: 'name', type: 'text' },
  description: { field: 'description', type: 'text' },
  created_at: { field: 'createdAt', type: 'moment' },
};

interface PathIds {
  readonly pipeline_id?: string;
  readonly pipeline_version_id?: string;
}

export const pipelineRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/pipelines',
    operation: createPipelineOperation,
    body: 'pipeline',
    request: pipelineFields,
    answer: async (values, call) => pipelineMessage(await createPipeline(newPipelineOf(values, 'pipeline'), call)),
  }),
  route({
    method: 'POST',
    path: '/pipelines/create',
    operation: createPipelineVersionOperation,
    request: { pipeline: nested(pipelineFields), pipeline_version: nested(versionFields) },
    answer: async ({ pipeline = {}, pipeline_version: version = {} }, call) => {
      const input = newPipelineOf(pipeline, 'pipeline');
      const named =
        version.name === undefined && version.display_name === undefined ? { ...version, ...nameOf(input) } : version;
      return pipelineMessage(await createPipelineWithVersion(input, newVersionOf(named), call));
    },
  }),
  route({
    method: 'GET',
    path: '/pipelines',
    operation: searchPipelinesOperation,
    request: { ...listFields, namespace: string },
    answer: async (values, call) => {
      const found = await call(searchPipelinesOperation, recordSearch(readList(values), FIELDS) as never);
      return {
        pipelines: found.items.map(pipelineMessage),
        total_size: found.total ?? 0,
        ...nextPage(found.nextCursor, values),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/pipelines/names/{name}',
    operation: searchPipelinesOperation,
    request: { name: string, namespace: string },
    answer: async ({ name = '' }, call) => {
      const where = [{ field: 'name' as const, is: '=' as const, value: name.slice(0, 1000) }];
      const [found] = (await call(searchPipelinesOperation, { where, limit: 1 })).items;
      if (found === undefined) throw new RpcError('NOT_FOUND', `Pipeline with name ${name.slice(0, 100)} not found`);
      return pipelineMessage(found);
    },
  }),
  route({
    method: 'GET',
    path: '/pipelines/{pipeline_id}',
    operation: searchPipelinesOperation,
    request: { pipeline_id: string },
    answer: async ({ pipeline_id: id = '' }, call) => pipelineMessage(await requirePipeline(id, call)),
  }),
  route({
    method: 'PATCH',
    path: '/pipelines/{pipeline_id}',
    operation: labelPipelineOperation,
    body: 'pipeline',
    request: pipelineFields,
    answer: async ({ pipeline_id: id = '', display_name: displayName, tags }, call) => {
      const { name } = await requirePipeline(id, call);
      const changed = await call(labelPipelineOperation, {
        name,
        ...(displayName !== undefined && displayName !== '' && { displayName }),
        ...(tags !== undefined && { tags: { ...tags } }),
      });
      return pipelineMessage(changed);
    },
  }),
  route({
    method: 'DELETE',
    path: '/pipelines/{pipeline_id}',
    operation: deletePipelineOperation,
    request: { pipeline_id: string, cascade: bool },
    answer: async ({ pipeline_id: id = '', cascade = false }, call) => {
      const { name } = await requirePipeline(id, call);
      const where = [{ field: 'pipeline' as const, is: '=' as const, value: id }];
      const [version] = cascade ? [] : (await call(searchPipelineVersionsOperation, { where, limit: 1 })).items;
      if (version !== undefined) {
        throw invalid(
          `Failed to delete pipeline with id ${id} as it has existing pipeline versions (e.g. ${version.id}). Set cascade=true to delete all versions`,
        );
      }
      await call(deletePipelineOperation, { name });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/pipelines/{pipeline_id}/versions',
    operation: createPipelineVersionOperation,
    body: 'pipeline_version',
    request: versionFields,
    answer: async (values, call) => {
      const { id, name } = await requirePipeline(values.pipeline_id ?? '', call);
      const input = newVersionOf(values);
      return versionMessage(id, await addVersion(name, input, call), input.document);
    },
  }),
  route({
    method: 'GET',
    path: '/pipelines/{pipeline_id}/versions',
    operation: searchPipelineVersionsOperation,
    request: { ...listFields, pipeline_id: string },
    answer: async (values, call) => {
      const { id } = await requirePipeline(values.pipeline_id ?? '', call);
      const of = [{ field: 'pipeline', is: '=', value: id } as const];
      const search = recordSearch(readList(values), VERSION_FIELDS, of);
      const found = await call(searchPipelineVersionsOperation, search as never);
      return {
        pipeline_versions: found.items.map((version) => versionMessage(id, version)),
        total_size: found.total ?? 0,
        ...nextPage(found.nextCursor, values),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/pipelines/{pipeline_id}/versions/{pipeline_version_id}',
    operation: readPipelineVersionOperation,
    request: { pipeline_id: string, pipeline_version_id: string },
    answer: async (values, call) => {
      const { pipeline, id } = await versionIn(values, call);
      const { document, ...version } = await call(
        readPipelineVersionOperation,
        { name: pipeline.name, version: id },
        { not_found: () => noVersion(id) },
      );
      return versionMessage(pipeline.id, version, document);
    },
  }),
  route({
    method: 'DELETE',
    path: '/pipelines/{pipeline_id}/versions/{pipeline_version_id}',
    operation: deletePipelineVersionOperation,
    request: { pipeline_id: string, pipeline_version_id: string },
    answer: async (values, call) => {
      const { pipeline, id } = await versionIn(values, call);
      const gone = { not_found: () => noVersion(id) };
      await call(deletePipelineVersionOperation, { name: pipeline.name, version: id }, gone);
      return {};
    },
  }),
];

function noVersion(id: string): RpcError {
  return new RpcError('NOT_FOUND', `PipelineVersion ${id.slice(0, 100)} not found`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Requires an id: operations also accept names and numbers, but this protocol does not. @throws RpcError `NOT_FOUND` */
async function versionIn({ pipeline_id: of = '', pipeline_version_id: id = '' }: PathIds, call: CallOperation) {
  const pipeline: PipelineHead = await requirePipeline(of, call);
  if (!UUID.test(id)) throw noVersion(id);
  return { pipeline, id };
}

const LONGEST_NAME = 256;

/** @throws RpcError `INVALID_ARGUMENT` */
export function newPipelineOf(
  {
    name = '',
    display_name: shown = '',
    description = '',
    tags = {},
  }: Values<Pick<typeof pipelineFields, 'name' | 'display_name' | 'description' | 'tags'>>,
  what: 'pipeline' | 'pipeline version',
): NewPipeline {
  const named = name === '' ? shown : name;
  if (named === '') throw invalid(`The ${what} has no name. Specify display_name or name`);
  for (const text of [named, shown]) {
    if (text.length > LONGEST_NAME) throw invalid(`The name of the ${what} is longer than ${LONGEST_NAME} characters`);
  }
  return { name: named, displayName: shown === '' ? named : shown, description, tags };
}

function nameOf({ name, displayName }: NewPipeline) {
  return { name, display_name: displayName };
}

/** @throws RpcError `INVALID_ARGUMENT`, `UNIMPLEMENTED` */
function newVersionOf(values: Values<typeof versionFields>): NewPipelineVersion {
  const { package_url: url, pipeline_spec: spec, code_source_url: sourceUrl = '' } = values;
  const input = newPipelineOf(values, 'pipeline version');
  if (spec !== undefined) return { ...input, sourceUrl, document: documentOfMessage(spec) };
  if (url === undefined) throw invalid('pipeline_spec is missing. Send the pipeline, or upload its file');
  throw new RpcError(
    'UNIMPLEMENTED',
    'This server does not fetch pipelines from URLs. Upload the file, or send pipeline_spec',
  );
}
