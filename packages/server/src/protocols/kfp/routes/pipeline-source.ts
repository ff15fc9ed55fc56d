/** The pipeline of a run or recurring run: a document in the request, or a stored version. */
import { searchPipelinesOperation, searchPipelineVersionsOperation, type PipelineHead } from '@dais/api/executions';
import { KFP_FORMAT, readPipelineFile, type PipelineDocument } from '../ir/index.ts';
import type { CallOperation } from '../route.ts';
import { nested, string, struct, type Values } from '../wire/message.ts';
import { invalid, RpcError } from '../wire/rpc-status.ts';

export const sourceFields = {
  pipeline_spec: struct,
  pipeline_version_id: string,
  pipeline_version_reference: nested({ pipeline_id: string, pipeline_version_id: string }),
  runtime_config: nested({ parameters: struct, pipeline_root: string }),
  service_account: string,
};

/** The input of operations. */
export type Source =
  | { readonly format: string; readonly document: unknown }
  | { readonly pipeline: string; readonly version: string };

/** @throws RpcError `INVALID_ARGUMENT`, `NOT_FOUND` */
export async function sourceOf(values: Values<typeof sourceFields>, call: CallOperation): Promise<Source> {
  const { pipeline_spec: spec, pipeline_version_id: id, pipeline_version_reference: reference } = values;
  const given = [spec, id === '' ? undefined : id, reference].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw invalid(
      given.length === 0
        ? 'Specify pipeline_spec or pipeline_version_reference'
        : 'Specify only one of pipeline_spec, pipeline_version_reference and pipeline_version_id',
    );
  }
  if (spec !== undefined) return { format: KFP_FORMAT, document: documentOfMessage(spec) };
  const { pipeline_id: pipelineId = '', pipeline_version_id: versionId = id ?? '' } = reference ?? {};
  if (pipelineId === '' && versionId === '') throw invalid('pipeline_version_reference: pipeline_id is missing');
  const head = await requirePipeline(pipelineId === '' ? await pipelineOfVersion(versionId, call) : pipelineId, call);
  return { pipeline: head.name, version: versionId === '' ? 'latest' : versionId };
}

/** Validates a pipeline in a message like an uploaded file. @throws DaisError `invalid_request` */
export function documentOfMessage(spec: object): PipelineDocument {
  return readPipelineFile(Buffer.from(JSON.stringify(spec)));
}

/** @throws RpcError `NOT_FOUND` */
export async function requirePipeline(id: string, call: CallOperation): Promise<PipelineHead> {
  const where = [{ field: 'id' as const, is: '=' as const, value: id }];
  const { items } = await call(searchPipelinesOperation, { where, limit: 1 });
  if (items[0] === undefined) throw new RpcError('NOT_FOUND', `Pipeline ${id.slice(0, 100)} not found`);
  return items[0];
}

async function pipelineOfVersion(id: string, call: CallOperation): Promise<string> {
  const where = [{ field: 'id' as const, is: '=' as const, value: id }];
  const { items } = await call(searchPipelineVersionsOperation, { where, limit: 1 });
  if (items[0] === undefined) throw new RpcError('NOT_FOUND', `PipelineVersion ${id.slice(0, 100)} not found`);
  return items[0].pipeline;
}

/** Metadata of a run or recurring run that the ledger does not interpret. */
export interface About extends Record<string, unknown> {
  readonly runtime_config?: object;
  readonly service_account?: string;
  readonly pipeline_spec?: object;
}

/** Larger documents are not returned with the run. */
const LARGEST_KEPT = 512 * 1024;

export function metadataOf({
  runtime_config: config,
  service_account: account,
  pipeline_spec: spec,
}: Values<typeof sourceFields>): About {
  return {
    ...(config !== undefined && { runtime_config: config }),
    ...(account !== undefined && account !== '' && { service_account: account }),
    ...(spec !== undefined && JSON.stringify(spec).length <= LARGEST_KEPT && { pipeline_spec: spec }),
  };
}

/** Encodes the source for a response. */
export function sourceMessage(
  {
    pipeline,
    pipelineVersion,
    about = {},
  }: { pipeline?: string | undefined; pipelineVersion?: string | undefined; about?: object | undefined },
  { withSpec }: { readonly withSpec: boolean },
) {
  const { runtime_config: config, service_account: account, pipeline_spec: spec } = about as About;
  return {
    ...(pipeline !== undefined && {
      pipeline_version_reference: {
        pipeline_id: pipeline,
        ...(pipelineVersion !== undefined && { pipeline_version_id: pipelineVersion }),
      },
    }),
    ...(withSpec && spec !== undefined && { pipeline_spec: spec }),
    ...(config !== undefined && { runtime_config: config }),
    ...(account !== undefined && { service_account: account }),
  };
}
