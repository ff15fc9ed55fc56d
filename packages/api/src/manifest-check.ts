import type { z } from 'zod';
import type { ErrorCode } from '#error-catalog.ts';
import type { Issue } from '#errors.ts';
import { datasetIssues } from '#kinds/dataset-check.ts';
import { datasetKind } from '#kinds/dataset.ts';
import { featureViewIssues } from '#kinds/feature-view-check.ts';
import { featureViewKind } from '#kinds/feature-view.ts';
import { monitorIssues } from '#kinds/monitor-check.ts';
import { monitorKind } from '#kinds/monitor.ts';
import { pipelineIssues } from '#kinds/pipeline-check.ts';
import { pipelineKind } from '#kinds/pipeline.ts';
import { scheduleIssues } from '#kinds/schedule-check.ts';
import { scheduleKind } from '#kinds/schedule.ts';
import { API_VERSION, type KindSpec, type MetadataInput } from '#manifest.ts';
import { nearest } from '#nearest.ts';
import { schemaIssues, show, storableIssues } from '#validation.ts';

type Rules = (spec: never) => readonly Issue[];

/** Long validations: the console's first view, which only lists kinds, does not load them. */
const RULES: ReadonlyMap<KindSpec, Rules> = new Map<KindSpec, Rules>([
  [pipelineKind, pipelineIssues],
  [scheduleKind, scheduleIssues],
  [featureViewKind, featureViewIssues],
  [datasetKind, datasetIssues],
  [monitorKind, monitorIssues],
]);

function rulesOf(spec: KindSpec): Rules | undefined {
  return RULES.get(spec) ?? spec.check;
}

/** The required fields of a kind. */
export interface KnownKind {
  readonly spec: KindSpec;
}

/** The kinds of a manifest. */
export interface KnownKinds<Kind extends KnownKind> {
  readonly all: readonly Kind[];
  find(kind: string): Kind | undefined;
  /** `manifestSchema(spec)`, cached. */
  manifestSchema(spec: KindSpec): z.ZodObject;
}

/** A manifest that its kind's schema accepts; `spec` as written. */
export interface CheckedManifest<Kind extends KnownKind> {
  readonly definition: Kind;
  readonly metadata: MetadataInput;
  readonly spec: Readonly<Record<string, unknown>>;
}

export type CheckResult<Kind extends KnownKind> =
  | { readonly ok: true; readonly manifest: CheckedManifest<Kind> }
  | { readonly ok: false; readonly code: ErrorCode; readonly issues: readonly Issue[] };

/** All rules of a single manifest, independent of other resources. Pure functions. */
export function checkManifest<Kind extends KnownKind>(kinds: KnownKinds<Kind>, value: unknown): CheckResult<Kind> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return bad('invalid_manifest', [
      { path: '', message: `is ${show(value)}`, expected: 'a map with apiVersion, kind, metadata and spec' },
    ]);
  }
  const { apiVersion, kind } = value as { apiVersion?: unknown; kind?: unknown };
  const definition = typeof kind === 'string' ? kinds.find(kind) : undefined;
  const wrongVersion: Issue[] =
    apiVersion === API_VERSION
      ? []
      : [
          {
            path: 'apiVersion',
            message: apiVersion === undefined ? 'is required' : `is ${show(apiVersion)}`,
            expected: `"${API_VERSION}"`,
            nearest: API_VERSION,
          },
        ];
  if (definition === undefined) {
    const names = kinds.all.map((one) => one.spec.kind);
    const near = typeof kind === 'string' ? nearest(kind, names) : undefined;
    return bad('unknown_kind', [
      ...wrongVersion,
      {
        path: 'kind',
        message: kind === undefined ? 'is required' : `is ${show(kind)}`,
        expected: `one of ${names.join(', ')}`,
        ...(near !== undefined && { nearest: near }),
      },
    ]);
  }
  return checkKnown(kinds, definition, value, wrongVersion);
}

function checkKnown<Kind extends KnownKind>(
  kinds: KnownKinds<Kind>,
  definition: Kind,
  value: object,
  wrongVersion: readonly Issue[],
): CheckResult<Kind> {
  const { spec } = definition;
  const schema = kinds.manifestSchema(spec);
  const unstorable = storableIssues(value);
  const parsed = schema.safeParse(value);
  const wrong = parsed.success
    ? []
    : schemaIssues(parsed.error, schema, value).filter((issue) => issue.path !== 'apiVersion');
  const issues = [
    ...wrongVersion,
    ...unstorable,
    ...wrong.filter((issue) => !unstorable.some((u) => u.path === issue.path)),
  ];
  if (issues.length > 0 || !parsed.success) {
    return bad(
      wrongVersion.length > 0 && issues.length === wrongVersion.length ? 'unknown_version' : 'invalid_manifest',
      issues,
    );
  }
  const manifest = value as { metadata: MetadataInput; spec: Record<string, unknown> };
  const rules = [
    ...(rulesOf(spec)?.((parsed.data as { spec: never }).spec) ?? []),
    ...(spec.scope === 'org' && manifest.metadata.project !== undefined
      ? [
          {
            path: 'metadata.project',
            message: `is set, but ${spec.kind} is an organization kind`,
            expected: 'no project',
          },
        ]
      : []),
  ];
  if (rules.length > 0) return bad('invalid_manifest', rules);
  return { ok: true, manifest: { definition, metadata: manifest.metadata, spec: manifest.spec } };
}

function bad(code: ErrorCode, issues: readonly Issue[]): CheckResult<never> {
  return { ok: false, code, issues };
}

/** The first issue in a sentence, and the number of others. */
export function summarizeIssues(issues: readonly Issue[]): string {
  const first = issues[0];
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return first === undefined
    ? ''
    : `${first.path === '' || first.path === undefined ? 'The document' : first.path} ${first.message}${more}.`;
}
