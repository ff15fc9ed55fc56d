/** Applies and deletes objects: the original definition, and the equivalent resources of Dais. */
import { DaisError } from '@dais/api';
import { FeastError, rpc } from '../feast-errors.ts';
import type { Caller } from '../feast-calls.ts';
import { Message } from '../wire/message.ts';
import {
  columnManifest,
  datasetNames,
  entityManifest,
  featureViewFields,
  refuseOnDemand,
  serviceManifest,
  streamFeatureViewFields,
  viewManifest,
  type Manifest,
  type ViewFields,
} from './manifests.ts';
import { keepIntervals, nameOf } from './object-message.ts';
import {
  dataSource,
  entity,
  featureService,
  featureView,
  labelView,
  onDemandFeatureView,
  streamFeatureView,
  views,
  type FeastObject,
} from './objects.ts';
import type { RegistryProject } from './registry-calls.ts';

export async function applyObject(project: RegistryProject, object: FeastObject, body: Buffer): Promise<void> {
  const name = nameOf(object, body);
  if (name === '') throw new FeastError('FeastError', `The ${object.title} has no name.`, rpc.invalidArgument, 400);
  if (views.some((view) => view.object === object)) {
    await applyView(project, object, name, body);
    return;
  }
  const message = new Message(body);
  if (object === entity) {
    await project.put(entity, { name, body, manifests: await entityManifests(project.call, message.message(1)) });
  } else if (object === featureService) {
    const spec = message.message(1);
    const refersTo = spec.messages(3).map((projection) => `featureView:${projection.text(1)}`);
    await project.put(object, { name, body, refersTo: unique(refersTo), manifests: [serviceManifest(spec)] });
  } else {
    await project.put(object, { name, body });
  }
}

async function applyView(project: RegistryProject, object: FeastObject, name: string, body: Buffer): Promise<void> {
  const spec = new Message(body).message(1);
  if (object === onDemandFeatureView) refuseOnDemand(spec);
  for (const view of views) {
    if (view.object === object || (await project.find(view.object, name)) === undefined) continue;
    throw new FeastError(
      'ConflictingFeatureViewNames',
      `Multiple feature views have name '${name}'. Please ensure that all feature view names are case-insensitively unique.`,
      rpc.alreadyExists,
      409,
    );
  }
  const kept = keepIntervals(bodyOf(await project.find(object, name)), body);
  if (object === labelView) {
    await project.put(object, { name, body: kept });
    return;
  }
  const view = viewFields(object, spec);
  await project.put(object, {
    name,
    body: kept,
    refersTo: unique([
      ...spec.texts(3).map((one) => `entity:${one}`),
      ...[view.batchSource, view.streamSource].flatMap((source) =>
        source === undefined ? [] : [`dataSource:${nameOfSource(source)}`],
      ),
    ]),
    manifests: await viewManifests(project.call, view),
  });
}

export function viewFields(object: FeastObject, spec: Message): ViewFields {
  return object === streamFeatureView ? streamFeatureViewFields(spec) : featureViewFields(spec);
}

export function nameOfSource(source: Message): string {
  return source.text(dataSource.name);
}

function bodyOf(definition: { readonly body: string } | undefined): Buffer | undefined {
  return definition === undefined ? undefined : Buffer.from(definition.body, 'base64');
}

/** Applies the view, and its missing entities, because clients apply entities after views. */
export async function viewManifests(call: Caller, view: ViewFields): Promise<readonly Manifest[]> {
  const missing = [];
  for (const column of view.entities) {
    if ((await call.find('entity.get', { name: column.entity })) === undefined) missing.push(columnManifest(column));
  }
  return [...missing, viewManifest(view, await datasetOf(call, view))];
}

/** Returns the Dataset of the batch source of a view; undefined if Dais has none, or a client transforms its rows. */
async function datasetOf(call: Caller, { batchSource, transformed }: ViewFields): Promise<string | undefined> {
  if (batchSource === undefined || transformed) return undefined;
  for (const name of datasetNames(batchSource)) {
    if ((await call.find('dataset.get', { name })) !== undefined) return name;
  }
  return undefined;
}

interface KnownEntity {
  readonly metadata: { readonly origin?: string };
  readonly spec: { readonly joinKey?: string; readonly type?: string };
}

/** Returns undefined if Dais has an equal entity from another client. The type that came from a view's column is kept. */
async function entityManifests(call: Caller, spec: Message): Promise<readonly Manifest[]> {
  const manifest = entityManifest(spec);
  if (manifest === undefined) return [];
  const name = spec.text(1);
  const known = (await call.find('entity.get', { name })) as KnownEntity | undefined;
  if (known === undefined) return [manifest];
  const { joinKey, type, ...about } = manifest['spec'] as Readonly<Record<string, string>>;
  const untold = spec.number(2) === 0;
  const same = (known.spec.joinKey ?? name) === joinKey && (untold || (known.spec.type ?? 'string') === type);
  if (known.metadata.origin !== 'feast') {
    if (same) return [];
    throw new DaisError(
      'other_origin',
      `Entity "${name}" was created through ${known.metadata.origin ?? 'another client'} with another join key or type.`,
    );
  }
  const kept = { joinKey, type: untold ? (known.spec.type ?? 'string') : type };
  return [{ ...manifest, spec: { ...about, ...kept } }];
}

const RESOURCES: ReadonlyMap<FeastObject, string> = new Map([
  [entity, 'entity'],
  [featureView, 'featureView'],
  [streamFeatureView, 'featureView'],
  [featureService, 'featureService'],
]);

/** Deletes the resource first, so that an interrupted delete can be repeated. */
export async function deleteObject(project: RegistryProject, object: FeastObject, name: string): Promise<void> {
  await project.need(object, name);
  const noun = RESOURCES.get(object);
  if (noun !== undefined) await deleteResource(project.call, noun, name);
  await project.forget(object, name);
  if (noun === 'featureView' || noun === 'featureService') await sweep(project);
}

/**
 * Deletes resources whose definition was deleted. Clients delete entities before the views that use them, so a referenced resource
 * remains until it is no longer used.
 */
async function sweep(project: RegistryProject): Promise<void> {
  const defined = new Set((await project.list({})).map(({ type, name }) => `${nounOf(type)}/${name}`));
  for (const noun of ['featureView', 'entity']) {
    let cursor: string | undefined;
    do {
      const page = (await project.call.find(`${noun}.list`, { origin: 'feast', limit: 500, cursor })) as
        | { items: readonly { metadata: { name: string } }[]; nextCursor?: string }
        | undefined;
      for (const { metadata } of page?.items ?? []) {
        if (!defined.has(`${noun}/${metadata.name}`)) await deleteResource(project.call, noun, metadata.name);
      }
      cursor = page?.nextCursor;
    } while (cursor !== undefined);
  }
}

function nounOf(type: string): string {
  return type === streamFeatureView.type ? 'featureView' : type;
}

async function deleteResource(call: Caller, noun: string, name: string): Promise<void> {
  const known = (await call.find(`${noun}.get`, { name })) as KnownEntity | undefined;
  // Created by another client: do not delete it.
  if (known === undefined || known.metadata.origin !== 'feast') return;
  try {
    await call.find(`${noun}.delete`, { name });
  } catch (error) {
    if (!(error instanceof DaisError) || !['still_referenced', 'being_deleted'].includes(error.code)) throw error;
  }
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}
