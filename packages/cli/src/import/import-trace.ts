/** Imports one trace with its spans and attachments, then compares it. */
import { DaisError } from '@dais/api';
import {
  importSpansOperation,
  importTraceOperation,
  listSpansOperation,
  listTraceLinksOperation,
  readTraceOperation,
  type Span,
  type Trace,
} from '@dais/api/tracking';
import { copyArtifacts, type ArtifactDependencies } from './copy-artifacts.ts';
import { fingerprint } from './fingerprint.ts';
import type { SourceTrace } from './source.ts';

/** In one request: also limited in characters, so that its body stays below the limit of a server. */
const SPANS_AT_ONCE = 5000;
const TEXT_AT_ONCE = 4_000_000;
/** In one page of the comparison. */
const SPANS_READ = 10_000;
/** Where clients store spans outside of a database; these are read, not copied. */
const SPANS_FILE = 'traces.json';
/** Placeholder in a span for content other than text. */
const ATTACHMENT = 'mlflow-attachment://';

export interface TraceOptions {
  readonly experimentId: string;
  readonly withArtifacts: boolean;
  readonly fresh: boolean;
  readonly all: boolean;
}

/**
 * @throws DaisError also when the stored trace differs from the source.
 */
export async function importTrace(
  dependencies: ArtifactDependencies,
  trace: SourceTrace,
  spans: readonly Span[],
  options: TraceOptions,
): Promise<void> {
  const { target, tally } = dependencies;
  const { client, settings, source } = target;
  const [first = [], ...more] = pieces(spans);
  const { artifactUri: from, hasSpans: _there, ...record } = trace;
  const input = { ...record, source, experimentId: options.experimentId, spans: first };
  const { artifactUri } = await client.perform(importTraceOperation, input, settings);
  for (const piece of more) await client.perform(importSpansOperation, { id: trace.id, spans: piece }, settings);
  const here = await client.perform(readTraceOperation, { id: trace.id }, settings);
  compare(trace, here);
  await compareSpans(dependencies, trace.id, spans);
  if (options.withArtifacts && from !== '' && hasAttachments(spans)) {
    const owner = { type: 'trace', id: trace.id, artifactUri: from } as const;
    const { fresh, all } = options;
    await copyArtifacts(dependencies, owner, artifactUri, { fresh, all, skip: (path) => path === SPANS_FILE });
  }
  tally.add({ spans: spans.length, assessments: trace.assessments.length });
}

/** Whether an identical trace is already stored, from any source. */
export async function isHere(
  dependencies: ArtifactDependencies,
  trace: SourceTrace,
  spans: readonly Span[],
  experimentId: string,
): Promise<boolean> {
  // Attachments are files, and checking for them costs as much as sending them.
  if (hasAttachments(spans)) return false;
  const { client, settings } = dependencies.target;
  try {
    const here = await client.perform(readTraceOperation, { id: trace.id }, settings);
    if (here.experimentId !== experimentId) return false;
    compare(trace, here);
    await compareSpans(dependencies, trace.id, spans);
    const { items } = await client.perform(listTraceLinksOperation, { ids: [trace.id] }, settings);
    const { runIds = [], prompts = [] } = items[0] ?? {};
    return trace.runIds.every((id) => runIds.includes(id)) && trace.prompts.every((one) => prompts.includes(one));
  } catch (error) {
    if (error instanceof DaisError && (error.code === 'not_found' || error.code === 'digest_mismatch')) return false;
    throw error;
  }
}

function hasAttachments(spans: readonly Span[]): boolean {
  return spans.some((span) => JSON.stringify(span.attributes).includes(ATTACHMENT));
}

function pieces(spans: readonly Span[]): Span[][] {
  const all: Span[][] = [];
  let size = Infinity;
  for (const span of spans) {
    const length = JSON.stringify(span).length;
    const last = all.at(-1);
    if (last === undefined || size + length > TEXT_AT_ONCE || last.length >= SPANS_AT_ONCE) {
      all.push([span]);
      size = length;
    } else {
      last.push(span);
      size += length;
    }
  }
  return all;
}

/** Verifies that everything that was sent is stored unchanged. @throws DaisError `digest_mismatch`. */
function compare(there: SourceTrace, here: Trace): void {
  const judged = new Map(here.assessments.map(({ traceId: _trace, ...one }) => [one.id, fingerprint(one)]));
  const differences = [
    ...differing('tag', there.tags, here.tags),
    ...differing('metadata', there.metadata, here.metadata),
    ...(['requestedAt', 'durationMs', 'state', 'clientRequestId', 'requestPreview', 'responsePreview'] as const).filter(
      (field) => there[field] !== here[field],
    ),
    ...(['usage', 'cost'] as const).filter(
      (field) => fingerprint(there[field] ?? {}) !== fingerprint(here[field] ?? {}),
    ),
    ...there.assessments.flatMap((one) => (judged.get(one.id) === fingerprint(one) ? [] : [`assessment ${one.id}`])),
  ];
  if (differences.length === 0) return;
  throw mismatch(there.id, differences);
}

function mismatch(id: string, differences: readonly string[]): DaisError {
  return new DaisError(
    'digest_mismatch',
    `Trace ${id} differs from the source: ${differences.slice(0, 5).join(', ')}.`,
  );
}

function differing(what: string, there: Readonly<Record<string, string>>, here: Readonly<Record<string, string>>) {
  return Object.entries(there).flatMap(([key, value]) => (here[key] === value ? [] : [`${what} "${key}"`]));
}

/** By digest: a trace can be too long to keep both. @throws DaisError `digest_mismatch`. */
async function compareSpans({ target }: ArtifactDependencies, id: string, there: readonly Span[]): Promise<void> {
  const digests = new Map(there.map((span) => [span.id, digestOf(span)]));
  let cursor: string | undefined;
  do {
    const input = { id, limit: SPANS_READ, ...(cursor !== undefined && { cursor }) };
    const page = await target.client.perform(listSpansOperation, input, target.settings);
    for (const span of page.items) {
      if (digests.get(span.id) === digestOf(span)) digests.delete(span.id);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  if (digests.size > 0)
    throw mismatch(
      id,
      [...digests.keys()].map((span) => `span ${span}`),
    );
}

/** The trace of a span is known. */
function digestOf({ traceId: _trace, ...span }: Span): string {
  return fingerprint(span);
}
