/** Creates pipelines and versions. */
import { resourceOperations, type Operation } from '@dais/api';
import {
  createPipelineVersionOperation,
  labelPipelineOperation,
  pipelineKind,
  searchPipelinesOperation,
  type PipelineHead,
  type PipelineVersion,
} from '@dais/api/executions';
import { KFP_FORMAT, type PipelineDocument } from '../ir/index.ts';
import type { CallOperation } from '../route.ts';
import { RpcError } from '../wire/rpc-status.ts';

const kindOperations = resourceOperations(pipelineKind);
export const createPipelineOperation = kindOperation('pipeline.create');
export const deletePipelineOperation = kindOperation('pipeline.delete');

function kindOperation(name: string): Operation {
  const found = kindOperations.find((operation) => operation.name === name);
  if (found === undefined) throw new Error(`no operation ${name}`);
  return found;
}

export interface NewPipeline {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface NewPipelineVersion extends NewPipeline {
  readonly sourceUrl: string;
  readonly document: PipelineDocument;
}

/** @throws RpcError `ALREADY_EXISTS` */
export async function createPipeline(input: NewPipeline, call: CallOperation): Promise<PipelineHead> {
  const { name, displayName, description, tags } = input;
  const manifest = {
    apiVersion: 'dais.dev/v1',
    kind: 'Pipeline',
    metadata: { name },
    spec: description === '' ? {} : { description },
  };
  await call(
    createPipelineOperation,
    { manifest },
    {
      already_exists: () => new RpcError('ALREADY_EXISTS', `Already exist error: pipeline ${name} already exists`),
    },
  );
  if (displayName !== name || Object.keys(tags).length > 0) {
    return await call(labelPipelineOperation, { name, displayName, tags });
  }
  const where = [{ field: 'name' as const, is: '=' as const, value: name }];
  const [made] = (await call(searchPipelinesOperation, { where, limit: 1 })).items;
  if (made === undefined) throw new RpcError('ABORTED', `Pipeline ${name} was deleted concurrently`);
  return made;
}

/** @throws RpcError `ALREADY_EXISTS` */
export async function addVersion(
  pipeline: string,
  input: NewPipelineVersion,
  call: CallOperation,
): Promise<PipelineVersion> {
  const { name, displayName, description, sourceUrl, tags, document } = input;
  return await call(
    createPipelineVersionOperation,
    {
      name: pipeline,
      version: name,
      ...(displayName !== name && { displayName }),
      ...(description !== '' && { description }),
      ...(sourceUrl !== '' && { sourceUrl }),
      tags: { ...tags },
      format: KFP_FORMAT,
      document,
    },
    { already_exists: () => new RpcError('ALREADY_EXISTS', `Already exist error: version ${name} already exists`) },
  );
}

/** Creates a pipeline with its version, or neither if the document is invalid. */
export async function createPipelineWithVersion(
  input: NewPipeline,
  version: NewPipelineVersion,
  call: CallOperation,
): Promise<PipelineHead> {
  const made = await createPipeline(input, call);
  try {
    await addVersion(made.name, version, call);
  } catch (error) {
    await call(deletePipelineOperation, { name: made.name });
    throw error;
  }
  return made;
}
