/**
 * Records of an attempt in the annotations of its Job. Each is written once, with the resource version of the Job as a
 * precondition: the first writer wins, in all processes of Dais.
 */
import { z } from 'zod';
import { LOST_KINDS, type EndedState, type FinalState } from './attempt-state.ts';
import type { JobObject } from './cluster-objects.ts';
import { ANNOTATIONS } from './names.ts';

/** The pod that runs the command. Every later pod ends without running it. */
export interface BegunRecord {
  readonly podUid: string;
  readonly round: number;
  readonly at: Date;
}

export interface CancelRecord {
  /** For people. */
  readonly reason: string;
  readonly at: Date;
}

/** Annotations of an object have at most 256 KiB together. */
const MAX_END_BYTES = 8192;
/** Of texts of an end that is too long. A character has at most six bytes in JSON. */
const SHORT_TEXT = 500;
const MAX_CONNECTIONS = 5;
const SHORT_CONNECTION = 100;

const date = z.iso.datetime().transform((text) => new Date(text));
const begunSchema = z.object({ podUid: z.string().min(1), round: z.int().min(1), at: date });
const cancelSchema = z.object({ reason: z.string(), at: date });
const endSchema = z.discriminatedUnion('phase', [
  z.object({
    phase: z.literal('ended'),
    end: z.enum(['exit', 'canceled', 'wall-time', 'out-of-memory', 'too-many-processes', 'disk-full']),
    detail: z.string().optional(),
    code: z.int().optional(),
    signal: z.string().optional(),
    startedAt: date,
    endedAt: date,
    usage: z.object({ wallMs: z.number(), cpuMs: z.number(), peakMemoryBytes: z.number() }),
    refusedConnections: z.array(z.string()).optional(),
  }),
  z.object({ phase: z.literal('refused'), reason: z.string() }),
  z.object({ phase: z.literal('lost'), kind: z.enum(LOST_KINDS), reason: z.string() }),
]);

export function readBegun(job: JobObject): BegunRecord | undefined {
  return readRecord(job, ANNOTATIONS.begun, begunSchema);
}

export function readCancel(job: JobObject): CancelRecord | undefined {
  return readRecord(job, ANNOTATIONS.cancel, cancelSchema);
}

/** Returns how the attempt ended. A record that cannot be read counts as a loss: it can neither be replaced nor be ignored. */
export function readEnd(job: JobObject): FinalState | undefined {
  if (job.metadata.annotations?.[ANNOTATIONS.end] === undefined) return undefined;
  const end = readRecord(job, ANNOTATIONS.end, endSchema);
  if (end !== undefined) return withoutUndefined(end) as FinalState;
  const reason = `The annotation \`${ANNOTATIONS.end}\` of Job \`${job.metadata.name}\` is not a record of Dais. The result is unknown.`;
  return { phase: 'lost', kind: 'deleted', reason };
}

/** Records that were read: each is read with every change of the Job, of its pods and of other Jobs. Objects of a cluster never change. */
const known = new WeakMap<object, Map<string, unknown>>();

/** Undefined for an absent record, and for a text that Dais did not write. */
function readRecord<T>({ metadata }: JobObject, name: string, schema: z.ZodType<T>): T | undefined {
  const { annotations } = metadata;
  const text = annotations?.[name];
  if (annotations === undefined || text === undefined) return undefined;
  const records = known.get(annotations) ?? new Map<string, unknown>();
  if (records.size === 0) known.set(annotations, records);
  if (!records.has(name)) records.set(name, parseRecord(text, schema));
  return records.get(name) as T | undefined;
}

function parseRecord<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

export function formatRecord(record: BegunRecord | CancelRecord): string {
  return JSON.stringify(record);
}

/** Returns the text of the annotation, of at most 8 KiB: long texts are truncated. */
export function formatEnd(end: FinalState): string {
  const text = JSON.stringify(end);
  if (Buffer.byteLength(text) <= MAX_END_BYTES) return text;
  if (end.phase !== 'ended') return JSON.stringify({ ...end, reason: shorten(end.reason) });
  const { refusedConnections: _refused, ...others } = end;
  return JSON.stringify({
    ...others,
    ...(end.detail !== undefined && { detail: shorten(end.detail) }),
    // The log of the task lists them as well.
    ...(end.refusedConnections !== undefined && { refusedConnections: fewConnections(end) }),
  });
}

function fewConnections({ refusedConnections = [] }: EndedState): readonly string[] {
  return refusedConnections.slice(0, MAX_CONNECTIONS).map((text) => text.slice(0, SHORT_CONNECTION));
}

function shorten(text: string): string {
  return text.length <= SHORT_TEXT ? text : `${text.slice(0, SHORT_TEXT)}…`;
}

function withoutUndefined(record: object): object {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}
