/** Traces in a file store. Their spans are in the artifact `traces.json`. */
import { join } from 'node:path';
import { text as streamText } from 'node:stream/consumers';
import type { Span } from '@dais/api/tracking';
import { exactJson } from '../exact-json.ts';
import { stateOf } from '../http-traces.ts';
import type { LocalFiles } from '../local-files.ts';
import { spanOfStored } from '../span-json.ts';
import type { SourceAssessment, SourceTrace } from '../source.ts';
import { errorOf, kindOf, parsed, promptsIn, textsOf, wordsOf } from '../trace-words.ts';
import { keysIn, metaNumber, metaOf, metaText, pairsIn, scalarText, type Meta } from './store-files.ts';

type Json = Readonly<Record<string, unknown>>;

const SPANS = 'traces.json';

/** Undefined: the folder has no trace. */
export async function fileTraceOf(folder: string): Promise<SourceTrace | undefined> {
  const meta = await metaOf(folder, 'trace_info.yaml');
  if (meta === undefined) return undefined;
  const tags = await pairsIn(join(folder, 'tags'));
  const duration = meta['execution_duration_ms'];
  return {
    id: metaText(meta, 'trace_id') || metaText(meta, 'request_id'),
    requestedAt: timeOf(meta['request_time']) || metaNumber(meta, 'timestamp_ms'),
    ...(typeof duration === 'number' && { durationMs: Math.max(0, Math.round(duration)) }),
    state: stateOf(metaText(meta, 'state') || metaText(meta, 'status')),
    ...filled('clientRequestId', meta),
    ...filled('requestPreview', meta),
    ...filled('responsePreview', meta),
    ...wordsOf(tags, await pairsIn(join(folder, 'request_metadata'))),
    assessments: await assessmentsIn(join(folder, 'assessments')),
    runIds: [],
    prompts: promptsIn(tags),
  };
}

export async function spansOfTrace(files: LocalFiles, { artifactUri }: SourceTrace): Promise<Span[]> {
  if (artifactUri === '') return [];
  for await (const { path } of files.list(artifactUri)) {
    if (path !== SPANS) continue;
    const file = exactJson(await streamText(await files.open(artifactUri, SPANS))) as { spans?: Json[] };
    return (file.spans ?? []).map(spanOfStored);
  }
  return [];
}

const COLUMNS = {
  clientRequestId: 'client_request_id',
  requestPreview: 'request_preview',
  responsePreview: 'response_preview',
} as const;

function filled<Name extends keyof typeof COLUMNS>(name: Name, meta: Meta) {
  const value = metaText(meta, COLUMNS[name]);
  return (value === '' ? {} : { [name]: value }) as { readonly [N in Name]?: string };
}

async function assessmentsIn(folder: string): Promise<SourceAssessment[]> {
  const found: SourceAssessment[] = [];
  for (const name of await keysIn(folder)) {
    const meta = name.endsWith('.yaml') ? await metaOf(folder, name) : undefined;
    if (meta !== undefined) found.push(assessmentOf(meta));
  }
  return found.toSorted((a, b) => a.createdAt - b.createdAt);
}

function assessmentOf(meta: Meta): SourceAssessment {
  const kind = (['feedback', 'expectation', 'issue'] as const).find(
    (name) => meta[name] !== undefined && meta[name] !== null,
  );
  const body = (meta[kind ?? 'feedback'] ?? {}) as Json;
  const source = (meta['source'] ?? {}) as Json;
  const error = body['error'];
  const serialized = (body['serialized_value'] as Json | undefined)?.['value'];
  const value = typeof serialized === 'string' ? parsed(serialized) : (body['value'] ?? body['issue_name'] ?? null);
  const [spanId, rationale, overrides] = ['span_id', 'rationale', 'overrides'].map((key) => metaText(meta, key));
  return {
    id: metaText(meta, 'assessment_id'),
    ...(spanId !== '' && { spanId: spanId! }),
    name: metaText(meta, 'assessment_name'),
    kind: kindOf(kind ?? 'feedback'),
    value,
    ...(error !== undefined && error !== null && errorOf(error)),
    source: { type: scalarText(source['source_type']), id: scalarText(source['source_id']) },
    ...(rationale !== '' && { rationale: rationale! }),
    metadata: textsOf(meta['metadata']),
    ...(overrides !== '' && { overrides: overrides! }),
    valid: meta['valid'] !== false,
    createdAt: timeOf(meta['create_time']),
    updatedAt: timeOf(meta['last_update_time']),
  };
}

function timeOf(value: unknown): number {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? 0 : time;
}
