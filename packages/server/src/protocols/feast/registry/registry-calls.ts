/** Shared functions of registry methods: objects by name and by page, in the project of a request. */
import { applyOperation, DaisError } from '@dais/api';
import {
  deleteDefinitionOperation,
  listDefinitionsOperation,
  listMaterializationsOperation,
  putDefinitionOperation,
  readDefinitionOperation,
  type Definition,
  type Materialization,
} from '@dais/api/data';
import type { CallContext } from '#kernel/context.ts';
import { bytesField, messageOf, numberField, type ProtobufField } from '#lib/formats/protobuf-writer.ts';
import { notFound } from '../feast-errors.ts';
import { caller, type Caller, type FeastCalls } from '../feast-calls.ts';
import { daisProject, inProject } from '../projects.ts';
import { isMissing, type Manifest } from './manifests.ts';
import { withServerFields, moment } from './object-message.ts';
import { views, type FeastObject } from './objects.ts';

const FORMAT = 'feast';
const PAGE = 1000;
/** Maximum number of returned materializations, of one view and of all views of a project. */
const MAX_INTERVALS = 100;

/** `FeatureViewState` */
const MATERIALIZING = 3;
const AVAILABLE_ONLINE = 4;

export interface RegistryProject {
  /** The name in Feast. */
  readonly name: string;
  readonly call: Caller;
  /** Undefined if it does not exist. */
  find(object: FeastObject, name: string): Promise<Definition | undefined>;
  /** Requires an object. @throws FeastError of the class of the object */
  need(object: FeastObject, name: string): Promise<Definition>;
  list(filter: { readonly type?: string; readonly refersTo?: string }): Promise<readonly Definition[]>;
  /** Creates the project with its first object, as the registry of Feast does. */
  put(object: Pick<FeastObject, 'type'>, definition: NewDefinition): Promise<void>;
  forget(object: Pick<FeastObject, 'type'>, name: string): Promise<void>;
  /** Returns objects in client format, in order. */
  seen(object: FeastObject, definitions: readonly Definition[]): Promise<readonly Buffer[]>;
}

export interface NewDefinition {
  readonly name: string;
  readonly body: Buffer;
  readonly refersTo?: readonly string[];
  readonly manifests?: readonly Manifest[];
}

export function registryProject(calls: FeastCalls, context: CallContext, name: string): RegistryProject {
  const call = caller(calls, inProject(context, name));
  const known = calls.operations.some((operation) => operation.name === listMaterializationsOperation.name);
  const list: RegistryProject['list'] = async (filter) => {
    const found: Definition[] = [];
    let cursor: string | undefined;
    do {
      const page = await call(listDefinitionsOperation, { format: FORMAT, ...filter, limit: PAGE, cursor });
      found.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    return found;
  };
  const find: RegistryProject['find'] = async ({ type }, requestedName) => {
    // Without a name there is no object.
    if (requestedName === '') return undefined;
    try {
      return await call(readDefinitionOperation, { format: FORMAT, type, name: requestedName });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  };
  const seen: RegistryProject['seen'] = async (object, definitions) => {
    const isView = views.some((view) => view.object === object);
    const [only] = definitions;
    const one = definitions.length === 1 && only !== undefined ? { view: only.name } : {};
    const done =
      isView && known && definitions.length > 0
        ? (await call(listMaterializationsOperation, { ...one, limit: only === undefined ? PAGE : MAX_INTERVALS }))
            .items
        : [];
    return definitions.map((definition) => withServerFields(object, definition, name, viewMeta(definition.name, done)));
  };
  return {
    name,
    call,
    find,
    need: async (object, requestedName) => {
      const definition = await find(object, requestedName);
      if (definition !== undefined) return definition;
      throw notFound(object.missing, `${object.title} ${requestedName} does not exist in project ${name}`);
    },
    list: async (filter) => {
      try {
        return await list(filter);
      } catch (error) {
        // A project that does not exist is empty.
        if (isMissingProject(error, name)) return [];
        throw error;
      }
    },
    put: async ({ type }, { name: requestedName, body, refersTo = [], manifests = [] }) => {
      const input = {
        format: FORMAT,
        type,
        name: requestedName,
        body: body.toString('base64'),
        refersTo: [...refersTo],
        manifests: [...manifests],
      };
      try {
        await call(putDefinitionOperation, input);
      } catch (error) {
        if (!isMissingProject(error, name)) throw error;
        await makeProject(calls, context, name);
        await call(putDefinitionOperation, input);
      }
    },
    forget: async ({ type }, requestedName) => {
      await call(deleteDefinitionOperation, { format: FORMAT, type, name: requestedName });
    },
    seen,
  };
}

/** Returns `materialization_intervals` and `state` of `FeatureViewMeta` from Dais. */
function viewMeta(view: string, materializations: readonly Materialization[]): readonly ProtobufField[] {
  const own = materializations.filter((one) => one.view === view);
  const done = own
    .filter(({ state }) => state === 'succeeded')
    .slice(0, MAX_INTERVALS)
    .toReversed();
  const running = own.some(({ state }) => state === 'pending' || state === 'running');
  const intervals = done.map(({ start = '1970-01-01T00:00:00Z', end }) =>
    bytesField(3, messageOf(moment(1, start), moment(2, end))),
  );
  const state = running ? MATERIALIZING : AVAILABLE_ONLINE;
  return running || done.length > 0 ? [...intervals, numberField(6, state)] : [];
}

export async function makeProject(
  calls: FeastCalls,
  context: CallContext,
  name: string,
  description = '',
): Promise<void> {
  const manifest = {
    apiVersion: 'dais.dev/v1',
    kind: 'Project',
    metadata: { name: daisProject(name) },
    spec: description === '' ? {} : { description },
  };
  const sources = [{ file: `project ${name}`, text: JSON.stringify(manifest) }];
  await caller(calls, context)(applyOperation, { sources });
}

/** Recognizes the error of a missing project by its text, which contains the project. */
export function isMissingProject(error: unknown, name: string): boolean {
  if (!(error instanceof DaisError) || error.code !== 'not_found' || name === '') return false;
  return error.message === `There is no project "${daisProject(name)}".`;
}
