/** Imports registered models, prompts, their versions and aliases. */
import { DaisError } from '@dais/api';
import {
  importModelOperation,
  importModelVersionOperation,
  readModelOperation,
  setModelAliasOperation,
  type ModelVersion,
} from '@dais/api/registry';
import type { DaisTarget } from './dais-target.ts';
import { fingerprint } from './fingerprint.ts';
import type { SourceModel, SourceVersion, TrackingSource } from './source.ts';
import type { Tally } from './tally.ts';

const PROMPT_TAG = 'mlflow.prompt.is_prompt';

export interface RegistryImportDependencies {
  readonly source: TrackingSource;
  readonly target: DaisTarget;
  readonly tally: Tally;
  /** Maps a URI at the source to one in Dais. */
  readonly rewrite: (uri: string) => string;
  readonly dryRun: boolean;
  readonly all: boolean;
  readonly failed: (what: string, error: unknown) => void;
}

export async function importRegistry(dependencies: RegistryImportDependencies): Promise<void> {
  const { source, target, tally, dryRun, all, failed } = dependencies;
  const models = await target.known('model');
  const versions = await target.known('model-version');
  const again: (() => Promise<void>)[] = [];
  const aliases: SourceModel[] = [];
  for await (const model of source.models()) {
    tally.found.models += 1;
    const { aliases: named, ...record } = model;
    const state = fingerprint({ ...record, updatedAt: 0 });
    const fresh = models.get(model.name)?.state !== state;
    try {
      if (all || fresh) {
        tally.written.models += 1;
        if (!dryRun) await importModel(target, model, state);
      }
      for await (const version of source.versions(model.name)) {
        tally.found.versions += 1;
        const name = `${version.name}/${version.version}`;
        const now = fingerprint({ ...version, updatedAt: 0 });
        if (!all && versions.get(name)?.state === now) continue;
        tally.written.versions += 1;
        if (dryRun) continue;
        // A version can be a copy of a later one.
        const write = async () => await importVersion(dependencies, version, now);
        await write().catch(
          () => void again.push(async () => await write().catch((error) => failed(`model version ${name}`, error))),
        );
      }
    } catch (error) {
      failed(`model ${model.name}`, error);
    }
    tally.found.aliases += Object.keys(named).length;
    aliases.push(model);
  }
  for (const write of again) await write();
  for (const model of aliases) {
    await importAliases(dependencies, model).catch((error) => failed(`aliases of model ${model.name}`, error));
  }
}

async function importModel(target: DaisTarget, model: SourceModel, state: string): Promise<void> {
  const { aliases: _aliases, ...record } = model;
  const type = model.tags[PROMPT_TAG]?.toLowerCase() === 'true' ? 'prompt' : 'model';
  await target.client.perform(importModelOperation, { ...record, type }, target.settings);
  await target.note('model', model.name, model.name, state);
}

async function importVersion(
  dependencies: RegistryImportDependencies,
  version: SourceVersion,
  state: string,
): Promise<void> {
  const { target, rewrite } = dependencies;
  const { version: number, stage, source, ...record } = version;
  const input = {
    ...record,
    version: String(number),
    stage: stage as ModelVersion['stage'],
    source: rewrite(source),
  };
  await target.client.perform(importModelVersionOperation, input, target.settings);
  const name = `${version.name}/${number}`;
  await target.note('model-version', name, name, state);
}

/** Aliases are moved through the normal operation: approval rules of the model apply. */
async function importAliases({ target, tally, dryRun }: RegistryImportDependencies, model: SourceModel): Promise<void> {
  const aliases = Object.entries(model.aliases);
  if (aliases.length === 0) return;
  const here = await target.client
    .perform(readModelOperation, { name: model.name }, target.settings)
    .catch((error: unknown) => {
      if (dryRun && error instanceof DaisError && error.code === 'not_found') return { aliases: {} };
      throw error;
    });
  for (const [alias, version] of aliases) {
    if ((here.aliases as Record<string, number>)[alias] === version) continue;
    tally.written.aliases += 1;
    if (dryRun) continue;
    const input = { name: model.name, alias, version: String(version) };
    await target.client.perform(setModelAliasOperation, input, target.settings);
  }
}
