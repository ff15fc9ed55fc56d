/** Converts definitions of Feast to manifests of Dais. */
import { DaisError } from '@dais/api';
import { type KeyType } from '@dais/api/data';
import { invalid, unsupported } from '../feast-errors.ts';
import type { Message } from '../wire/message.ts';
import { keyType, valueType } from '../wire/value-types.ts';

export type Manifest = Readonly<Record<string, unknown>>;

/** The entity that Feast adds to views without entities. */
const DUMMY_ENTITY = '__dummy';
/** The tag of a data source with the name of its Dataset. */
const DATASET_TAG = 'dais.dev/dataset';

interface EntityColumn {
  readonly entity: string;
  readonly joinKey: string;
  readonly type: KeyType;
}

/** A view with the fields that Dais uses, from any view message of Feast. */
export interface ViewFields {
  readonly name: string;
  readonly entities: readonly EntityColumn[];
  readonly features: readonly Message[];
  readonly description: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly owner: string;
  readonly ttl: bigint | undefined;
  readonly batchSource: Message | undefined;
  readonly streamSource: Message | undefined;
  readonly online: boolean;
  /** A client program transforms the rows of the source. */
  readonly transformed: boolean;
}

export function featureViewFields(spec: Message): ViewFields {
  return {
    ...common(spec, { columns: 12, tags: 5, description: 10, owner: 11, ttl: 6 }),
    batchSource: part(spec, 7),
    streamSource: part(spec, 9),
    online: spec.number(8) === 1,
    transformed: spec.has(15) || spec.has(14),
  };
}

/** A stream processor computes the rows and pushes them. */
export function streamFeatureViewFields(spec: Message): ViewFields {
  return {
    ...common(spec, { columns: 5, tags: 7, description: 6, owner: 8, ttl: 9 }),
    batchSource: part(spec, 10),
    streamSource: part(spec, 11),
    online: spec.number(12) === 1,
    transformed: false,
  };
}

function common(
  spec: Message,
  at: Readonly<Record<'columns' | 'tags' | 'description' | 'owner' | 'ttl', number>>,
): Omit<ViewFields, 'batchSource' | 'streamSource' | 'online' | 'transformed'> {
  const columns = spec.messages(at.columns);
  return {
    name: spec.text(1),
    entities: spec
      .texts(3)
      .map((entity, index) => {
        const column = columns[index];
        const number = column?.number(2) ?? 0;
        return { entity, joinKey: column?.text(1) ?? entity, type: keyOf(number, entity) };
      })
      .filter(({ entity }) => entity !== DUMMY_ENTITY),
    features: spec.messages(4),
    description: spec.text(at.description),
    tags: spec.map(at.tags),
    owner: spec.text(at.owner),
    ttl: spec.microseconds(at.ttl),
  };
}

function part(spec: Message, field: number): Message | undefined {
  return spec.has(field) ? spec.message(field) : undefined;
}

/** Converts a type. @throws FeastError with the type */
function keyOf(number: number, entity: string): KeyType {
  const type = number === 0 ? 'string' : keyType(number);
  if (type === undefined) {
    throw invalid(
      `The join key of entity "${entity}" has value type ${number}, which Dais does not support for join keys.`,
    );
  }
  return type;
}

export function entityManifest(spec: Message): Manifest | undefined {
  const name = spec.text(1);
  if (name === DUMMY_ENTITY) return undefined;
  return manifest('Entity', name, {
    joinKey: spec.text(4) === '' ? name : spec.text(4),
    type: keyOf(spec.number(2), name),
    ...about(spec.text(3), spec.map(8), spec.text(10)),
  });
}

/** For a view that is applied before its entities. */
export function columnManifest({ entity, joinKey, type }: EntityColumn): Manifest {
  return manifest('Entity', entity, { joinKey, type });
}

/** Converts a view. `dataset`: the dataset of its batch source, if Dais has it. */
export function viewManifest(view: ViewFields, dataset: string | undefined): Manifest {
  const { batchSource } = view;
  const columns = Object.fromEntries(
    Object.entries(batchSource?.map(2) ?? {}).map(([theirs, ours]) => [ours, theirs] as const),
  );
  const created = batchSource?.text(5) ?? '';
  return manifest('FeatureView', view.name, {
    entities: view.entities.map(({ entity }) => entity),
    source: dataset === undefined ? { type: 'push' } : { type: 'dataset', dataset },
    eventTime: eventTimeOf(view),
    ...(created !== '' && { createdTime: created }),
    ttl: durationText(view.ttl ?? 0n),
    features: view.features.map((feature) => {
      const type = valueType(feature.number(2));
      const name = feature.text(1);
      if (type === undefined) {
        throw invalid(
          `Feature "${name}" of view "${view.name}" has value type ${feature.number(2)}, which Dais does not support.`,
        );
      }
      return { name, type, ...about(feature.text(4), feature.map(3), '') };
    }),
    ...(Object.keys(columns).length > 0 && { columns }),
    online: view.online,
    ...about(view.description, view.tags, view.owner),
  });
}

const UNITS = [
  ['d', 86_400_000_000n],
  ['h', 3_600_000_000n],
  ['m', 60_000_000n],
  ['s', 1_000_000n],
  ['ms', 1000n],
] as const;

/** Formats a duration as `1d`, in whole units. */
function durationText(microseconds: bigint): string {
  if (microseconds <= 0n) return '0s';
  const [unit, size] = UNITS.find(([, one]) => microseconds % one === 0n) ?? ['us', 1n];
  return `${microseconds / size}${unit}`;
}

function eventTimeOf({ batchSource }: ViewFields): string {
  const named = batchSource?.text(3) ?? '';
  return named === '' ? 'event_timestamp' : named;
}

/** Returns candidate Dataset names of a data source, most likely first. */
export function datasetNames(source: Message): readonly string[] {
  const tagged = source.map(24)[DATASET_TAG];
  if (tagged !== undefined) return [tagged];
  const path = source.has(11) ? source.message(11).text(2) : '';
  const inAddress = /\/datasets\/([^/?#]+)/.exec(path)?.[1];
  const names = [
    inAddress === undefined ? '' : decoded(inAddress),
    source.text(20),
    path.replace(/^.*\//s, '').replace(/\.[A-Za-z0-9.]+$/, ''),
  ];
  return [...new Set(names)].filter((name) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/.test(name));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function serviceManifest(spec: Message): Manifest {
  return manifest('FeatureService', spec.text(1), {
    features: spec.messages(3).map((projection) => {
      const keys = projection.map(4);
      const features = projection.messages(2).map((feature) => feature.text(1));
      const alias = projection.text(3);
      return {
        view: projection.text(1),
        ...(features.length > 0 && { features }),
        ...(alias !== '' && { as: alias }),
        ...(Object.keys(keys).length > 0 && { keys }),
      };
    }),
    ...about(spec.text(5), spec.map(4), spec.text(6)),
  });
}

/** @throws FeastError always, with the reason and an alternative */
export function refuseOnDemand(spec: Message): never {
  throw unsupported(
    `On-demand feature view "${spec.text(1)}" is a Python function, sent as a pickle. This server does not run pickled functions. ` +
      'Write a FeatureView of Dais with `source.type: onDemand` and an SQL expression for each feature, or call the function in the client.',
  );
}

function manifest(kind: string, name: string, spec: Readonly<Record<string, unknown>>): Manifest {
  return { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
}

function about(description: string, tags: Readonly<Record<string, string>>, owner: string): Manifest {
  // The owner in Feast need not be a team in Dais.
  const all = { ...(owner !== '' && { owner }), ...tags };
  return {
    ...(description !== '' && { description }),
    ...(Object.keys(all).length > 0 && { tags: all }),
  };
}

export function isMissing(error: unknown): boolean {
  return error instanceof DaisError && error.code === 'not_found';
}
