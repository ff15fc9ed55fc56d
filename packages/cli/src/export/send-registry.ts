/** Exports registered models and prompts to a running server, by name, with the numbers of their versions. */
import { DaisError } from '@dais/api';
import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import { fingerprint } from '#import/fingerprint.ts';
import { isAbsent } from '#import/http-traces.ts';
import {
  API,
  list,
  object,
  pairs,
  STATE,
  tagsOf,
  text,
  type Json,
  type ServerDependencies,
} from './server-dependencies.ts';

/** The experiments that show a prompt, by number. */
const EXPERIMENTS_TAG = '_mlflow_experiment_ids';
const PROMPT = 'mlflow.prompt.is_prompt';
/** Source of a version whose source is not a file. */
const NOWHERE = 'prompt-template';
/** Numbers of deleted versions between existing ones: each is created and deleted. */
const MOST_GAPS = 1000;

export async function sendRegistry(dependencies: ServerDependencies): Promise<void> {
  const { source, tally, signal, failed } = dependencies;
  const versions = new Map<string, ModelVersion[]>();
  for await (const version of source.versions()) {
    tally.found.versions += 1;
    const of = versions.get(version.model) ?? [];
    versions.set(version.model, of);
    of.push(version);
  }
  const models: Sent[] = [];
  for await (const model of source.models()) {
    signal.throwIfAborted();
    tally.found.models += 1;
    tally.found.aliases += Object.keys(model.aliases).length;
    try {
      const there = await sendModel(dependencies, model);
      const known = await versionsThere(dependencies, model);
      models.push({ model, there, known, versions: versions.get(model.name) ?? [] });
    } catch (error) {
      failed(`model "${model.name}"`, error);
    }
  }
  // A copy of a version comes after its original.
  for (const copies of [false, true]) {
    for (const sent of models) await sendVersions(dependencies, sent, copies);
  }
  for (const { model, there } of models) {
    await sendAliases(dependencies, model, there).catch((error) => failed(`aliases of model "${model.name}"`, error));
  }
}

interface Sent {
  readonly model: RegisteredModel;
  /** Undefined for a new one. */
  readonly there: Json | undefined;
  readonly known: ReadonlyMap<number, Json>;
  readonly versions: readonly ModelVersion[];
}

/** Returns the previous state. */
async function sendModel(dependencies: ServerDependencies, model: RegisteredModel): Promise<Json | undefined> {
  const { rest, tally } = dependencies;
  const { name } = model;
  const targetTags = tagsThere(dependencies, model);
  const there = await modelThere(dependencies, name);
  if (there === undefined) {
    const request = { name, description: model.description, tags: pairs(targetTags) };
    await rest.post(`${API}/registered-models/create`, request);
    tally.written.models += 1;
    return undefined;
  }
  const tags = tagsOf(there['tags']);
  const changed = pairs(targetTags).filter(({ key, value }) => tags[key] !== value);
  for (const tag of changed) await rest.post(`${API}/registered-models/set-tag`, { name, ...tag });
  const described = text(there['description']) === model.description;
  if (!described) await rest.patch(`${API}/registered-models/update`, { name, description: model.description });
  if (changed.length > 0 || !described) tally.written.models += 1;
  return there;
}

const COPY = /^models:\/+([^/]+)\/(\d+)$/;

async function sendVersions(
  dependencies: ServerDependencies,
  { model, versions, known }: Sent,
  copies: boolean,
): Promise<void> {
  const { tally, failed } = dependencies;
  // Numbers are assigned in order: a copy delays all later versions.
  const ordered = versions.toSorted((a, b) => a.version - b.version);
  const first = ordered.findIndex(({ source }) => COPY.test(source));
  const cut = first === -1 ? ordered.length : first;
  for (const version of copies ? ordered.slice(cut) : ordered.slice(0, cut)) {
    const state = fingerprint({ ...version, artifactUri: '', aliases: [], updatedAt: 0 });
    if (tagsOf(known.get(version.version)?.['tags'])[STATE] === state) continue;
    try {
      await sendVersion(dependencies, version, known, state);
      tally.written.versions += 1;
    } catch (error) {
      failed(`version ${version.version} of model "${model.name}"`, error);
    }
  }
}

async function sendAliases(
  { rest, tally }: ServerDependencies,
  { name, aliases }: RegisteredModel,
  there: Json | undefined,
): Promise<void> {
  const known = new Map(list(there?.['aliases']).map((one) => [text(one['alias']), Number(one['version'])]));
  for (const [alias, version] of Object.entries(aliases)) {
    if (known.get(alias) === version) continue;
    await rest.post(`${API}/registered-models/alias`, { name, alias, version: String(version) });
    tally.written.aliases += 1;
  }
}

async function modelThere({ rest }: ServerDependencies, name: string): Promise<Json | undefined> {
  try {
    return object((await rest.get(`${API}/registered-models/get`, { name }))['registered_model']);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function versionsThere(
  { rest }: ServerDependencies,
  { name, type }: RegisteredModel,
): Promise<Map<number, Json>> {
  const found = new Map<number, Json>();
  const filter = `name = '${name.replaceAll("'", "''")}'${type === 'prompt' ? ` and tags.\`${PROMPT}\` = 'true'` : ''}`;
  let token: string | undefined;
  do {
    const page = await rest.get(`${API}/model-versions/search`, { filter, max_results: 1000, page_token: token });
    for (const version of list(page['model_versions'])) found.set(Number(version['version']), version);
    token = text(page['next_page_token']) || undefined;
  } while (token !== undefined);
  return found;
}

/** Experiments have other numbers there. */
function tagsThere({ ids }: ServerDependencies, { tags }: Pick<RegisteredModel, 'tags'>): Record<string, string> {
  const rewritten = ids.rewriteAll(tags);
  const experiments = tags[EXPERIMENTS_TAG];
  if (experiments !== undefined) {
    rewritten[EXPERIMENTS_TAG] = experiments.replaceAll(/\d+/g, (id) => ids.experiments.get(id)?.id ?? id);
  }
  return rewritten;
}

async function sendVersion(
  dependencies: ServerDependencies,
  version: ModelVersion,
  known: ReadonlyMap<number, Json>,
  state: string,
): Promise<void> {
  const { rest } = dependencies;
  const there = known.get(version.version);
  const of = { name: version.model, version: String(version.version) };
  const tags = tagsThere(dependencies, version);
  if (there === undefined) await createVersion(dependencies, version, tags);
  else {
    for (const tag of pairs(tags)) await rest.post(`${API}/model-versions/set-tag`, { ...of, ...tag });
    await rest.patch(`${API}/model-versions/update`, { ...of, description: version.description });
  }
  const stage = text(there?.['current_stage']) || 'None';
  if (stage !== version.stage) {
    await rest.post(`${API}/model-versions/transition-stage`, {
      ...of,
      stage: version.stage,
      archive_existing_versions: false,
    });
  }
  await rest.post(`${API}/model-versions/set-tag`, { ...of, key: STATE, value: state });
}

/** The server assigns numbers: numbers that are deleted here are created and deleted there. */
async function createVersion(
  dependencies: ServerDependencies,
  version: ModelVersion,
  tags: Record<string, string>,
): Promise<void> {
  const { rest, ids } = dependencies;
  const source = ids.rewrite(version.source);
  const request = {
    name: version.model,
    source: source === '' ? NOWHERE : source,
    ...(await originOf(dependencies, version, source)),
    ...(version.runLink !== undefined && { run_link: version.runLink }),
    description: version.description,
    tags: pairs(tags),
  };
  for (let gaps = 0; gaps <= MOST_GAPS; gaps++) {
    const { model_version: made } = await rest.post(`${API}/model-versions/create`, request);
    const number = Number(object(made)['version']);
    if (number === version.version) return;
    await rest.delete(`${API}/model-versions/delete`, { name: version.model, version: String(number) });
    if (number > version.version) break;
  }
  throw new DaisError('invalid_state', 'Its number was given to another version there, which is deleted since.');
}

/** The source run and logged model; of a copy, those of its original. */
async function originOf({ rest, ids }: ServerDependencies, version: ModelVersion, source: string): Promise<object> {
  const [, name, number] = COPY.exec(source) ?? [];
  if (name !== undefined && number !== undefined) {
    const query = { name: decodeURIComponent(name), version: number };
    const { run_id: run, model_id: model } = object(
      (await rest.get(`${API}/model-versions/get`, query))['model_version'],
    );
    return { ...(text(run) !== '' && { run_id: run }), ...(text(model) !== '' && { model_id: model }) };
  }
  const run = version.runId === undefined ? undefined : ids.runs.get(version.runId);
  const known = version.loggedModelId === undefined ? undefined : ids.models.get(version.loggedModelId);
  const model = known ?? [...ids.models.values()].find((id) => source.includes(id));
  return { ...(run !== undefined && { run_id: run }), ...(model !== undefined && { model_id: model }) };
}
