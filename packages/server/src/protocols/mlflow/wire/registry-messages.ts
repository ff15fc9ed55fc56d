/** Records of the registry as messages of the wire. */
import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import { list, pairs } from './encode.ts';
import { enumeration, int64, nested, repeated, string } from './message.ts';
import { pairField } from './messages.ts';

export const modelVersion = {
  name: string,
  version: string,
  creation_timestamp: int64,
  last_updated_timestamp: int64,
  user_id: string,
  current_stage: string,
  description: string,
  source: string,
  run_id: string,
  status: enumeration(['PENDING_REGISTRATION', 'FAILED_REGISTRATION', 'READY']),
  tags: pairField,
  run_link: string,
  aliases: repeated(string),
  model_id: string,
};

export const registeredModel = {
  name: string,
  creation_timestamp: int64,
  last_updated_timestamp: int64,
  description: string,
  latest_versions: repeated(nested(modelVersion)),
  tags: pairField,
  aliases: repeated(nested({ alias: string, version: string })),
};

export function modelVersionMessage(version: ModelVersion) {
  return {
    name: version.model,
    version: String(version.version),
    creation_timestamp: version.createdAt,
    last_updated_timestamp: version.updatedAt,
    user_id: version.createdBy.id,
    current_stage: version.stage,
    description: version.description,
    source: version.source,
    run_id: version.runId ?? '',
    // Dais registers a version whole or not at all.
    status: 'READY',
    tags: pairs(version.tags),
    run_link: version.runLink ?? '',
    aliases: list(version.aliases),
    model_id: version.loggedModelId,
  };
}

export function registeredModelMessage(model: RegisteredModel) {
  return {
    name: model.name,
    creation_timestamp: model.createdAt,
    last_updated_timestamp: model.updatedAt,
    description: model.description === '' ? undefined : model.description,
    latest_versions: list(model.latestVersions.map(modelVersionMessage)),
    tags: pairs(model.tags),
    aliases: list(Object.entries(model.aliases).map(([alias, version]) => ({ alias, version: String(version) }))),
  };
}
