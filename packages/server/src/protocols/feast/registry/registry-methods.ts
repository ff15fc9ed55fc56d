/**
 * `feast.registry.RegistryServer`: the table of its 55 methods. Most of them do the same for different kinds of objects, so
 * they are derived from the table of objects.
 */
import { DaisError } from '@dais/api';
import { putDefinitionOperation, listDefinitionsOperation, readDefinitionOperation } from '@dais/api/data';
import type { CallContext } from '#kernel/context.ts';
import { ProtobufError } from '#lib/formats/protobuf-reader.ts';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { FeastError, toFeastError, invalid, unsupported, notFound } from '../feast-errors.ts';
import { caller, type FeastCalls, type FeastDependencies } from '../feast-calls.ts';
import { daisProject, feastProject } from '../projects.ts';
import { Message } from '../wire/message.ts';
import { applyObject, deleteObject } from './apply-object.ts';
import { withServerFields, nameOf, tagsOf, withIntervals } from './object-message.ts';
import { featureService, objectByType, objects, views, type FeastObject } from './objects.ts';
import { isMissingProject, makeProject, registryProject, type RegistryProject } from './registry-calls.ts';

const SERVICE = '/feast.registry.RegistryServer';
const EMPTY = new Uint8Array();
const INFRA = { type: 'infra' } as const;
const PROJECT = { type: 'project' } as const;

type Answer = (request: Message, registry: Registry) => Promise<Uint8Array>;

/** The registry as one request sees it. */
interface Registry {
  readonly calls: FeastCalls;
  readonly context: CallContext;
  project(name: string): RegistryProject;
}

interface Method {
  readonly operation: string;
  /** The alternative of an unsupported method. */
  readonly instead?: string;
  readonly undispatched?: true;
  readonly answer: Answer;
}

const reads = readDefinitionOperation.name;
const lists = listDefinitionsOperation.name;
const writes = putDefinitionOperation.name;

export function feastRegistry({ calls }: FeastDependencies) {
  const methods = Object.entries(registryMethods()).map(([name, { operation, undispatched, answer }]) => [
    `${SERVICE}/${name}`,
    {
      operation,
      ...(undispatched && { undispatched }),
      answer: async (request: Buffer, context: CallContext) =>
        await answer(new Message(request), {
          calls,
          context,
          project: (named) => registryProject(calls, context, named),
        }),
    },
  ]);
  return {
    name: 'feast-registry',
    origin: 'feast',
    methods: Object.fromEntries(methods) as Readonly<
      Record<
        string,
        {
          readonly operation: string;
          readonly undispatched?: true;
          answer(request: Buffer, context: CallContext): Promise<Uint8Array>;
        }
      >
    >,
    toStatus: (error: unknown) => {
      const failure = errorOf(error);
      return failure === undefined ? undefined : { code: failure.code, details: failure.detail() };
    },
  } as const;
}

function errorOf(error: unknown): FeastError | undefined {
  if (error instanceof FeastError) return error;
  if (error instanceof DaisError) return toFeastError(error);
  if (error instanceof ProtobufError)
    return invalid(`The request is not a valid message of this method: ${error.message}.`);
  return undefined;
}

/** Handlers by method name, or the reason why a method is unsupported. */
export function registryMethods(): Readonly<Record<string, Method>> {
  const found: Record<string, Method> = {};
  for (const object of objects) {
    found[`Get${object.one}`] = { operation: reads, answer: getOf(object) };
    found[`List${object.many}`] = { operation: lists, answer: listOf(object) };
    if (views.some((view) => view.object === object)) continue;
    found[`Apply${object.one}`] = { operation: writes, answer: applyOf(object) };
    found[`Delete${object.one}`] = { operation: 'definition.delete', answer: deleteOf(object) };
  }
  return {
    ...found,
    ApplyFeatureView: { operation: writes, answer: applyAnyView },
    DeleteFeatureView: { operation: 'definition.delete', answer: deleteAnyView },
    GetAnyFeatureView: { operation: reads, answer: getAnyView },
    ListAllFeatureViews: { operation: lists, answer: listAllViews },
    ApplyProject: { operation: 'project.update', answer: applyProject },
    GetProject: { operation: 'project.get', answer: getProject },
    DeleteProject: { operation: 'definition.delete', answer: deleteProject },
    ListProjects: { operation: 'project.list', answer: listProjects },
    ListProjectMetadata: { operation: 'project.get', answer: projectMetadata },
    ApplyMaterialization: { operation: writes, answer: applyMaterialization },
    UpdateInfra: { operation: writes, answer: updateInfra },
    GetInfra: { operation: reads, answer: getInfra },
    Proto: { operation: lists, answer: wholeRegistry },
    // Applied objects are stored immediately, so there is nothing to commit.
    Commit: { operation: lists, undispatched: true, answer: async () => await Promise.resolve(EMPTY) },
    Refresh: { operation: lists, undispatched: true, answer: async () => await Promise.resolve(EMPTY) },
    ...unsupportedMethods(),
  };
}

function unsupportedMethods(): Readonly<Record<string, Method>> {
  const alternatives: Readonly<Record<string, string>> = {
    CreateDatasetFromRetrieval: '`dais features build` creates a dataset version from features.',
    GetDatasetData: '`dais data head NAME` shows rows of a dataset.',
    GetDatasetJobStatus: '`dais features build` shows the progress of a build.',
    ListDatasetJobs: '`dais features build` shows the progress of a build.',
    GetRegistryLineage: 'The console and /api/v1/lineage show the lineage.',
    GetObjectRelationships: 'The console and /api/v1/lineage show the lineage.',
    ListFeatures: 'ListAllFeatureViews returns the features of every view.',
    GetFeature: 'GetAnyFeatureView returns the features of a view.',
  };
  return Object.fromEntries(
    Object.entries(alternatives).map(([name, instead]) => [
      name,
      {
        operation: 'refusal',
        instead,
        undispatched: true as const,
        answer: async () => await Promise.reject(unsupported(`This server does not support ${name}. ${instead}`)),
      },
    ]),
  );
}

function getOf(object: FeastObject): Answer {
  return async (request, registry) => {
    const project = registry.project(request.text(2));
    const definition = await project.need(object, request.text(1));
    return (await project.seen(object, [definition]))[0] ?? EMPTY;
  };
}

/** The fields of paging and sorting in list requests. */
function pagingAt(object: FeastObject): { readonly pagination: number; readonly sorting: number } {
  return object === featureService ? { pagination: 5, sorting: 6 } : { pagination: 4, sorting: 5 };
}

function listOf(object: FeastObject): Answer {
  return async (request, registry) => {
    const project = registry.project(request.text(1));
    const used = object === featureService ? request.text(4) : '';
    const filter = { type: object.type, ...(used !== '' && { refersTo: `featureView:${used}` }) };
    const requested = request.map(3);
    const found = (await project.list(filter)).filter(({ body }) =>
      hasTags(object, Buffer.from(body, 'base64'), requested),
    );
    const { page, metadata } = cut(found, request, pagingAt(object));
    const seen = await project.seen(object, page);
    return messageOf(...seen.map((one) => bytesField(1, one)), bytesField(2, metadata));
  };
}

function hasTags(object: FeastObject, body: Buffer, requested: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(requested);
  if (names.length === 0) return true;
  const tags = tagsOf(object, body);
  return names.every((name) => tags[name] === requested[name]);
}

/** Returns a page and its `PaginationMetadata`. Names are already sorted, so only the direction matters. */
function cut<T>(
  found: readonly T[],
  request: Message,
  at: { readonly pagination: number; readonly sorting: number },
): { readonly page: readonly T[]; readonly metadata: Buffer } {
  const ordered = request.message(at.sorting).text(2).toLowerCase() === 'desc' ? found.toReversed() : found;
  const paging = request.message(at.pagination);
  const [number, limit] = [paging.number(1), paging.number(2)];
  if (number <= 0 || limit <= 0) {
    const total = found.length;
    return { page: ordered, metadata: messageOf(numberField(3, total), numberField(4, total === 0 ? 0 : 1)) };
  }
  const pages = Math.ceil(found.length / limit);
  const metadata = messageOf(
    numberField(1, number),
    numberField(2, limit),
    numberField(3, found.length),
    numberField(4, pages),
    numberField(5, number < pages ? 1 : 0),
    numberField(6, number > 1 ? 1 : 0),
  );
  return { page: ordered.slice((number - 1) * limit, number * limit), metadata };
}

function applyOf(object: FeastObject): Answer {
  return async (request, registry) => {
    await applyObject(registry.project(request.text(2)), object, request.bytes(1));
    return EMPTY;
  };
}

const applyAnyView: Answer = async (request, registry) => {
  const view = views.find(({ applied }) => request.has(applied));
  if (view === undefined) throw invalid('The request contains no feature view of a supported kind.');
  await applyObject(registry.project(request.text(4)), view.object, request.bytes(view.applied));
  return EMPTY;
};

function deleteOf(object: FeastObject): Answer {
  return async (request, registry) => {
    await deleteObject(registry.project(request.text(2)), object, request.text(1));
    return EMPTY;
  };
}

async function anyView(project: RegistryProject, name: string) {
  for (const view of views) {
    const definition = await project.find(view.object, name);
    if (definition !== undefined) return { ...view, definition };
  }
  throw notFound('FeatureViewNotFoundException', `Feature view ${name} does not exist in project ${project.name}`);
}

const deleteAnyView: Answer = async (request, registry) => {
  const project = registry.project(request.text(2));
  const { object } = await anyView(project, request.text(1));
  await deleteObject(project, object, request.text(1));
  return EMPTY;
};

const getAnyView: Answer = async (request, registry) => {
  const project = registry.project(request.text(2));
  const { object, any, definition } = await anyView(project, request.text(1));
  const [seen = EMPTY] = await project.seen(object, [definition]);
  return messageOf(bytesField(1, messageOf(bytesField(any, seen))));
};

const listAllViews: Answer = async (request, registry) => {
  const project = registry.project(request.text(1));
  const requested = request.map(3);
  const [used, feature, service, source] = [4, 5, 6, 7].map((field) => request.text(field)) as [
    string,
    string,
    string,
    string,
  ];
  const refers = [...(used === '' ? [] : [`entity:${used}`]), ...(source === '' ? [] : [`dataSource:${source}`])];
  const ofService =
    service === '' ? undefined : new Set((await project.need(featureService, service)).refersTo.map((one) => one));
  const since = request.microseconds(10);
  const found = [];
  for (const { object, any } of views) {
    for (const definition of await project.list({ type: object.type })) {
      const body = Buffer.from(definition.body, 'base64');
      const spec = new Message(body).message(1);
      if (!hasTags(object, body, requested)) continue;
      if (!refers.every((one) => definition.refersTo.includes(one))) continue;
      if (
        feature !== '' &&
        !spec.messages(object.type === 'onDemandFeatureView' ? 3 : 4).some((one) => one.text(1) === feature)
      )
        continue;
      if (ofService !== undefined && !ofService.has(`featureView:${definition.name}`)) continue;
      if (since !== undefined && BigInt(Date.parse(definition.updatedAt)) * 1000n < since) continue;
      found.push({ object, any, definition });
    }
  }
  const { page, metadata } = cut(found, request, { pagination: 8, sorting: 9 });
  const seen = [];
  for (const { object, any, definition } of page) {
    const [one = EMPTY] = await project.seen(object, [definition]);
    seen.push(bytesField(1, messageOf(bytesField(any, one))));
  }
  return messageOf(...seen, bytesField(2, metadata));
};

const PROJECT_OBJECT = { spec: 1, name: 1 } as const;

const applyProject: Answer = async (request, registry) => {
  const body = request.bytes(1);
  const spec = new Message(body).message(PROJECT_OBJECT.spec);
  const name = spec.text(PROJECT_OBJECT.name);
  if (name === '') throw invalid('The project has no name.');
  const project = registry.project(name);
  // If the project exists, no permission to change the project itself is required.
  if ((await projectResource(registry, name)) === undefined) {
    await makeProject(registry.calls, registry.context, name, spec.text(2));
  }
  await project.put(PROJECT, { name, body });
  return EMPTY;
};

interface ProjectResource {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly createdAt: string;
    readonly updatedAt?: string;
  };
  readonly spec: { readonly description?: string };
}

async function projectResource({ calls, context }: Registry, name: string): Promise<ProjectResource | undefined> {
  return (await caller(calls, context).find('project.get', { name: daisProject(name) })) as ProjectResource | undefined;
}

/** Deletes all definitions of clients. The project remains, because it can contain runs, models and secrets. */
const deleteProject: Answer = async (request, registry) => {
  const name = request.text(1);
  if ((await projectResource(registry, name)) === undefined) {
    throw notFound('ProjectObjectNotFoundException', `Project ${name} does not exist`);
  }
  const project = registry.project(name);
  // Objects with references are deleted first.
  for (const object of objects.toReversed()) {
    for (const definition of await project.list({ type: object.type })) {
      await deleteObject(project, object, definition.name);
    }
  }
  for (const definition of await project.list({})) await project.forget(definition, definition.name);
  return EMPTY;
};

const PROJECT_META = {
  ...PROJECT,
  one: '',
  many: '',
  missing: 'ProjectObjectNotFoundException',
  title: 'Project',
  spec: 1,
  name: 1,
  project: 1,
  tags: 3,
  meta: { field: 2, created: 1, updated: 2 },
  inRegistry: 17,
} as const;

/** Returns `feast.core.Project`: as it was applied, else from the resource. */
async function projectMessage(registry: Registry, { metadata, spec }: ProjectResource): Promise<Buffer> {
  const name = feastProject(metadata.name);
  const fields = messageOf(bytesField(1, name), bytesField(2, spec.description ?? ''));
  const known = await registry.project(name).find(PROJECT_META, name);
  const { createdAt, updatedAt = createdAt } = metadata;
  const resource = { format: '', type: '', name, refersTo: [], createdAt, updatedAt };
  return withServerFields(
    PROJECT_META,
    known ?? { ...resource, body: messageOf(bytesField(1, fields)).toString('base64') },
    name,
  );
}

const getProject: Answer = async (request, registry) => {
  const name = request.text(1);
  const resource = await projectResource(registry, name);
  if (resource === undefined) {
    throw notFound('ProjectObjectNotFoundException', `Project ${name} does not exist`);
  }
  return await projectMessage(registry, resource);
};

async function allProjects({ calls, context }: Registry): Promise<readonly ProjectResource[]> {
  const call = caller(calls, context);
  const found: ProjectResource[] = [];
  let cursor: string | undefined;
  do {
    const page = (await call.find('project.list', { limit: 500, cursor })) as {
      items: readonly ProjectResource[];
      nextCursor?: string;
    };
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

const listProjects: Answer = async (request, registry) => {
  const requested = request.map(2);
  const all = [];
  for (const resource of await allProjects(registry)) {
    const message = await projectMessage(registry, resource);
    if (hasTags(PROJECT_META, message, requested)) all.push(message);
  }
  const { page, metadata } = cut(all, request, { pagination: 3, sorting: 4 });
  return messageOf(...page.map((one) => bytesField(1, one)), bytesField(2, metadata));
};

const projectMetadata: Answer = async (request, registry) => {
  const name = request.text(1);
  const resource = name === '' ? undefined : await projectResource(registry, name);
  if (resource === undefined) return EMPTY;
  const fields = messageOf(bytesField(1, name), bytesField(2, resource.metadata.uid));
  return messageOf(bytesField(1, fields));
};

const applyMaterialization: Answer = async (request, registry) => {
  const project = registry.project(request.text(2));
  const { object, definition } = await anyView(project, nameOf(views[0]?.object as FeastObject, request.bytes(1)));
  const interval = messageOf(bytesField(1, request.bytes(3)), bytesField(2, request.bytes(4)));
  const body = withIntervals(Buffer.from(definition.body, 'base64'), [interval]);
  await project.put(object, { name: definition.name, body, refersTo: definition.refersTo });
  return EMPTY;
};

const updateInfra: Answer = async (request, registry) => {
  await registry.project(request.text(2)).put(INFRA, { name: 'infra', body: request.bytes(1) });
  return EMPTY;
};

const getInfra: Answer = async (request, registry) => {
  const [known] = await registry.project(request.text(1)).list(INFRA);
  return known === undefined ? EMPTY : Buffer.from(known.body, 'base64');
};

/** Returns `feast.core.Registry`: everything in the projects that the caller may read. */
const wholeRegistry: Answer = async (_request, registry) => {
  const fields = [];
  let updated = 0;
  for (const resource of await allProjects(registry)) {
    const name = feastProject(resource.metadata.name);
    const project = registry.project(name);
    const definitions = await readable(project);
    if (definitions === undefined) continue;
    fields.push(bytesField(PROJECT_META.inRegistry, await projectMessage(registry, resource)));
    for (const [type, object] of objectByType) {
      const own = definitions.filter((definition) => definition.type === type);
      for (const one of await project.seen(object, own)) fields.push(bytesField(object.inRegistry, one));
    }
    updated = Math.max(updated, ...definitions.map(({ updatedAt }) => Date.parse(updatedAt)));
  }
  const at = messageOf(numberField(1, Math.floor(updated / 1000)), numberField(2, (updated % 1000) * 1_000_000));
  return messageOf(...fields, bytesField(3, '1'), bytesField(4, String(updated)), bytesField(5, at));
};

async function readable(project: RegistryProject) {
  try {
    return await project.list({});
  } catch (error) {
    const code = error instanceof DaisError ? error.code : undefined;
    if (code === 'forbidden' || code === 'project_mismatch' || isMissingProject(error, project.name)) return undefined;
    throw error;
  }
}
