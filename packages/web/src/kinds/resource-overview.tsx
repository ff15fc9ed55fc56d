import {
  fieldRows,
  findReferences,
  formatPath,
  jsonSchemaOf,
  type FieldRow,
  type KindSpec,
  type Resource,
} from '@dais/api';
import { Fragment } from 'react';
import { valueText } from './column-value.ts';
import { ReferenceLink } from './reference-link.tsx';
import { conditionsOf, conditionState } from './resource-state.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface ResourceOverviewProps {
  readonly kind: KindSpec;
  readonly resource: Resource;
  readonly project: string;
}

export function ResourceOverview({ kind, resource, project }: ResourceOverviewProps) {
  const conditions = conditionsOf(resource);
  const spec = specPairs(kind, resource, project);
  const status = statusPairs(kind, resource);
  return (
    <div className="grid-2">
      <div className="resource-tab" style={{ paddingTop: 0 }}>
        {conditions.length > 0 && (
          <Panel title="Conditions" flush>
            <ul className="conditions">
              {conditions.map((condition) => (
                <li key={condition.type}>
                  <StateBadge {...conditionState(condition, resource.metadata.generation)} />
                  <span>
                    {condition.message}{' '}
                    {condition.observedGeneration < resource.metadata.generation && (
                      <span className="dim">Observed generation {condition.observedGeneration}.</span>
                    )}
                  </span>
                  <span className="dim">
                    <Time at={condition.lastTransitionTime} />
                  </span>
                </li>
              ))}
            </ul>
          </Panel>
        )}
        <Panel title="Spec">
          {spec.length === 0 ? <p className="dim">The spec is empty.</p> : <KeyValue label="Spec" pairs={spec} />}
        </Panel>
        {status.length > 0 && (
          <Panel title="Status">
            <KeyValue label="Status" pairs={status} />
          </Panel>
        )}
      </div>
      <Panel title="Metadata">
        <KeyValue label="Metadata" pairs={metadataPairs(resource)} />
      </Panel>
    </div>
  );
}

function metadataPairs({ metadata }: Resource): readonly Pair[] {
  const { uid, name, project, labels, annotations, origin, owner, generation, createdAt, updatedAt, source } = metadata;
  return [
    { key: 'name', value: name },
    ...(project === undefined
      ? []
      : [{ key: 'project', value: <ReferenceLink kind="Project" name={project} project={project} /> }]),
    {
      key: 'uid',
      value: (
        <>
          <code title={uid}>{uid.slice(-8)}</code> <CopyButton text={uid} label="Copy UID" />
        </>
      ),
    },
    { key: 'labels', value: chips(labels) },
    ...Object.entries(annotations).map(([key, value]) => ({ key: `annotation ${key}`, value })),
    { key: 'origin', value: origin, about: 'The kind of client that created it.' },
    ...(owner === undefined
      ? []
      : [{ key: 'owner', value: owner, about: 'The set of manifests that it was applied with.' }]),
    { key: 'generation', value: generation, about: 'The number of the revision.' },
    { key: 'created', value: <Time at={createdAt} /> },
    { key: 'updated', value: <Time at={updatedAt} /> },
    ...(source?.remote === undefined ? [] : [{ key: 'source', value: `${source.remote} ${source.path ?? ''}` }]),
    ...(source?.dirty === true ? [{ key: 'source', value: 'with uncommitted changes' }] : []),
  ];
}

function chips(labels: Readonly<Record<string, string>>) {
  const entries = Object.entries(labels);
  if (entries.length === 0) return <span className="dim">none</span>;
  return entries.map(([key, value]) => (
    <span key={key} className="label-chip">
      {value === '' ? key : `${key}=${value}`}
    </span>
  ));
}

function specPairs(kind: KindSpec, resource: Resource, project: string): readonly Pair[] {
  const about = descriptions(fieldRows(jsonSchemaOf(kind.spec, 'input')));
  const references = new Map(findReferences(kind.spec, resource.spec).map((found) => [found.path, found]));
  return leaves(resource.spec, []).map(({ path, value }) => {
    const key = formatPath(path);
    // A list of names is one value, with a reference for each.
    const named = (Array.isArray(value) ? value.map((_, at) => `${key}[${at}]`) : [key]).flatMap(
      (one) => references.get(one) ?? [],
    );
    return {
      key,
      about: about(key),
      value:
        named.length === 0
          ? shown(value)
          : named.map(({ kind: word, name, path }, at) => (
              <Fragment key={path}>
                {at > 0 && ', '}
                <ReferenceLink kind={word} name={name} project={project} />
              </Fragment>
            )),
    };
  });
}

function statusPairs(kind: KindSpec, resource: Resource): readonly Pair[] {
  const about = descriptions(fieldRows(jsonSchemaOf(kind.status, 'output')));
  const { conditions: _, observedGeneration: __, ...rest } = resource.status;
  return leaves(rest, []).map(({ path, value }) => {
    const key = formatPath(path);
    return { key, about: about(key), value: shown(value) };
  });
}

/** By the path of a value: `send.to[0]` is `send.to[]` in the schema. */
function descriptions(rows: readonly FieldRow[]): (path: string) => string | undefined {
  const known = new Map(rows.map((row) => [row.path, row.description]));
  return (path) =>
    known.get(path) ?? known.get(path.replace(/\[\d+\]$/, '')) ?? known.get(path.replace(/\.[^.]+$/, ''));
}

const A_TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

function shown(value: unknown) {
  if (typeof value === 'string' && A_TIME.test(value)) return <Time at={value} />;
  const text = valueText(value);
  return text.includes('\n') ? <pre className="text-value">{text}</pre> : text;
}

interface Leaf {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
}

/** Lists of plain values stay one value: they are read as one. */
function leaves(value: unknown, path: readonly PropertyKey[]): readonly Leaf[] {
  if (Array.isArray(value)) {
    const plain = value.every((item) => typeof item !== 'object');
    return plain ? [{ path, value }] : value.flatMap((item, at) => leaves(item, [...path, at]));
  }
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]));
}
