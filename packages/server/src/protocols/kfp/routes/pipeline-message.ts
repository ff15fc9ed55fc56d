/** Encodes pipelines and their versions. */
import type { PipelineHead, PipelineVersion } from '@dais/api/executions';
import { isMap } from '../wire/parse.ts';
import { showTime } from '../wire/time.ts';

export function pipelineMessage({ id, name, displayName, description, tags, createdAt }: PipelineHead) {
  return {
    pipeline_id: id,
    display_name: displayName,
    name,
    ...(description !== undefined && { description }),
    created_at: showTime(createdAt),
    ...(Object.keys(tags).length > 0 && { tags }),
  };
}

/** Encodes a version. Lists omit documents, which can have megabytes. */
export function versionMessage(pipeline: string, version: PipelineVersion, document?: unknown) {
  const { id, name, displayName, description, sourceUrl, tags, createdAt } = version;
  return {
    pipeline_id: pipeline,
    pipeline_version_id: id,
    display_name: displayName ?? name,
    name,
    ...(description !== undefined && { description }),
    created_at: showTime(createdAt),
    ...(sourceUrl !== undefined && { code_source_url: sourceUrl }),
    ...(document !== undefined && { pipeline_spec: specOf(document) }),
    ...(Object.keys(tags).length > 0 && { tags }),
  };
}

/** Returns only the pipeline spec, unless there is also a platform spec. */
function specOf(document: unknown): unknown {
  if (!isMap(document) || document['platform_spec'] !== undefined) return document;
  return document['pipeline_spec'] ?? document;
}
