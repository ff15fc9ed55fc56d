/** Parses and formats tasks and annotations of Label Studio. Pure. */
import { createHash } from 'node:crypto';
import type { LabelStudioTask } from '@dais/api/data';
import { canonicalJson } from '#lib/formats/canonical-json.ts';

export interface ReadTask {
  readonly external: string;
  /** The fields other than annotations and predictions. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly predictions: readonly unknown[];
  readonly annotations: readonly ReadAnnotation[];
}

export interface ReadAnnotation {
  readonly external: string;
  readonly annotator: string;
  readonly label: readonly string[];
  readonly canceled: boolean;
  readonly groundTruth: boolean;
  readonly seconds: number | undefined;
  /** Milliseconds since 1970. */
  readonly labeledAt: number | undefined;
  readonly body: Readonly<Record<string, unknown>>;
  /** Fingerprint of annotator, label and status; times and counters of the tool are ignored. */
  readonly digest: string;
}

/** Maximum length of an id of the tool. */
const NAME_LENGTH = 256;

export interface Reading {
  readonly control: string | undefined;
  /** User names by id of the tool. */
  readonly annotators: Readonly<Record<string, string>>;
}

export function readTask({ annotations = [], predictions = [], ...body }: LabelStudioTask, reading: Reading): ReadTask {
  return {
    external: idOf(body.id) ?? `data:${digestOf(body.data)}`,
    body,
    predictions,
    annotations: annotations.map((annotation) => readAnnotation(annotation, reading)),
  };
}

function readAnnotation(body: Readonly<Record<string, unknown>>, { control, annotators }: Reading): ReadAnnotation {
  const result = (body['result'] as readonly ResultEntry[] | undefined) ?? [];
  const called = annotatorIn(body['completed_by']);
  const canceled = body['was_cancelled'] === true;
  const groundTruth = body['ground_truth'] === true;
  const seconds = body['lead_time'];
  const labeled = body['created_at'];
  const at = typeof labeled === 'string' ? Date.parse(labeled) : Number.NaN;
  const digest = digestOf([result, canceled, groundTruth, called]);
  return {
    external: idOf(body['id']) ?? `result:${digest}`,
    annotator: (Object.hasOwn(annotators, called) ? annotators[called] : undefined) ?? called,
    label: canceled ? [] : labelIn(result, control),
    canceled,
    groundTruth,
    seconds: typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
    labeledAt: Number.isNaN(at) ? undefined : at,
    body,
    digest,
  };
}

/** Reads a user: a number, an email address, or an object with both. */
function annotatorIn(completedBy: unknown): string {
  const user = completedBy as { readonly email?: unknown; readonly id?: unknown } | null | undefined;
  const named = typeof user === 'object' && user !== null ? (user.email ?? user.id) : completedBy;
  return idOf(named) ?? 'unknown';
}

function idOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value.slice(0, NAME_LENGTH) : undefined;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 32);
}

interface WrittenTask {
  readonly body: Readonly<Record<string, unknown>>;
  readonly predictions: readonly unknown[];
  readonly annotations: readonly Readonly<Record<string, unknown>>[];
}

/** Returns the task with its current annotations. `hidden`: fields of `data` that the reader may not see. */
export function writeTask(
  { body, predictions, annotations }: WrittenTask,
  hidden: ReadonlySet<string>,
): LabelStudioTask {
  return { ...body, data: withoutHidden(body['data'], hidden), annotations, predictions } as LabelStudioTask;
}

export function withoutHidden(data: unknown, hidden: ReadonlySet<string>): Record<string, unknown> {
  const fields = Object.entries((data ?? {}) as Record<string, unknown>);
  return Object.fromEntries(fields.map(([key, value]) => [key, hidden.has(key) ? null : value]));
}

/** One entry of `result`: a control and its value. */
type ResultEntry = Readonly<Record<string, unknown>>;

/** Maximum length of a label. */
const LABEL_LENGTH = 1000;
/** Maximum number of labels per annotation. */
const MAX_LABELS = 100;

/** The field of `value`, by control type, if it is not the name of the type. */
const FIELDS: Readonly<Record<string, string>> = {
  textarea: 'text',
  pairwise: 'selected',
  paragraphlabels: 'paragraphlabels',
};

/**
 * Returns the distinct values of one control, sorted: choices, ratings, numbers and texts unchanged; for regions and spans the
 * labels without positions. `control`: its `from_name`; default: the first control with values.
 */
function labelIn(result: readonly ResultEntry[], control: string | undefined): readonly string[] {
  const of = control ?? result.find((entry) => valuesOf(entry).length > 0)?.['from_name'];
  const values = result.filter((entry) => entry['from_name'] === of).flatMap(valuesOf);
  return [...new Set(values)].toSorted().slice(0, MAX_LABELS);
}

function valuesOf(entry: ResultEntry): readonly string[] {
  const { type, value } = entry;
  if (typeof type !== 'string' || value === null || typeof value !== 'object') return [];
  const found = (value as Readonly<Record<string, unknown>>)[FIELDS[type] ?? type];
  const list = Array.isArray(found) ? (found as readonly unknown[]) : [found];
  return list.flatMap((one) => textOf(one) ?? []).map((text) => text.slice(0, LABEL_LENGTH));
}

/** Joins the path of a taxonomy. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.length > 0) return value.map((part) => textOf(part) ?? '').join(' / ');
  return undefined;
}
