/** Parses and formats tasks and annotations of Label Studio. Pure. */
import { createHash } from 'node:crypto';
import type { LabelStudioTask } from '@dais/api/data';
import { canonicalJson } from '#lib/canonical-json.ts';
import { labelIn, type ResultEntry } from './label-values.ts';

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
  readonly cancelled: boolean;
  readonly groundTruth: boolean;
  readonly seconds: number | undefined;
  /** Milliseconds since 1970. */
  readonly labelledAt: number | undefined;
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
  const cancelled = body['was_cancelled'] === true;
  const groundTruth = body['ground_truth'] === true;
  const seconds = body['lead_time'];
  const labelled = body['created_at'];
  const at = typeof labelled === 'string' ? Date.parse(labelled) : Number.NaN;
  const digest = digestOf([result, cancelled, groundTruth, called]);
  return {
    external: idOf(body['id']) ?? `result:${digest}`,
    annotator: (Object.hasOwn(annotators, called) ? annotators[called] : undefined) ?? called,
    label: cancelled ? [] : labelIn(result, control),
    cancelled,
    groundTruth,
    seconds: typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined,
    labelledAt: Number.isNaN(at) ? undefined : at,
    body,
    digest,
  };
}

/** Reads a user: a number, an e-mail address, or an object with both. */
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

export interface WrittenTask {
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
