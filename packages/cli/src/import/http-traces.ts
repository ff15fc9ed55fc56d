/** Traces of a tracking server, through its REST interface. */
import { DaisError } from '@dais/api';
import type { Span, TraceState } from '@dais/api/tracking';
import { exactJson, storable } from './exact-json.ts';
import type { Json, MlflowRest } from './mlflow-rest.ts';
import { spanOfStored, spanOfWire } from './span-json.ts';
import type { SourceAssessment, SourceExperiment, SourceRun, SourceTrace } from './source.ts';
import { errorOf, parsed, promptsIn, textsOf, wordsOf } from './trace-words.ts';

const API = '/api/3.0/mlflow/traces';
/** Of MLflow before 3.0. */
const OLD_API = '/api/2.0/mlflow/traces';
const FILE = '/ajax-api/2.0/mlflow/get-trace-artifact';
const PAGE = 500;
const OLD_PAGE = 100;

type Runs = (experimentId: string) => AsyncIterable<SourceRun>;

export class HttpTraces {
  readonly #rest: MlflowRest;
  readonly #runs: Runs;
  /** Runs that had ended when their traces were read: one command reads them once. */
  readonly #linked = new Map<string, readonly string[]>();

  constructor(rest: MlflowRest, runs: Runs) {
    this.#rest = rest;
    this.#runs = runs;
  }

  async *traces(experiment: SourceExperiment): AsyncGenerator<SourceTrace> {
    let links: ReadonlyMap<string, string[]> | undefined;
    for await (const page of this.#pages(experiment.id)) {
      if (page.length > 0) links ??= await this.#links(experiment.id);
      for (const trace of page) yield { ...trace, runIds: links?.get(trace.id) ?? [] };
    }
  }

  async *#pages(experimentId: string): AsyncGenerator<SourceTrace[]> {
    try {
      yield* this.#search(experimentId, 'timestamp_ms ASC', undefined);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      yield* this.#oldPages(experimentId);
    }
  }

  async *#search(experimentId: string, order: string, filter: string | undefined): AsyncGenerator<SourceTrace[]> {
    const location = { type: 'MLFLOW_EXPERIMENT', mlflow_experiment: { experiment_id: experimentId } };
    let token: string | undefined;
    do {
      const page = await this.#rest.post(`${API}/search`, {
        locations: [location],
        max_results: PAGE,
        order_by: [order],
        ...(filter !== undefined && { filter }),
        ...(token !== undefined && { page_token: token }),
      });
      yield list(page['traces']).map(traceOf);
      token = tokenOf(page);
    } while (token !== undefined);
  }

  async *#oldPages(experimentId: string): AsyncGenerator<SourceTrace[]> {
    let token: string | undefined;
    do {
      let page: Json;
      try {
        const query = { experiment_ids: experimentId, max_results: OLD_PAGE, page_token: token };
        page = await this.#rest.get(OLD_API, query);
      } catch (error) {
        if (isAbsent(error)) return;
        throw error;
      }
      yield list(page['traces']).map(oldTraceOf);
      token = tokenOf(page);
    } while (token !== undefined);
  }

  /** The links of a trace to runs are available only by a query for each run. */
  async #links(experimentId: string): Promise<ReadonlyMap<string, string[]>> {
    const links = new Map<string, string[]>();
    for await (const run of this.#runs(experimentId)) {
      const traces = this.#linked.get(run.id) ?? (await this.#tracesOf(experimentId, run.id));
      if (run.endedAt !== undefined) this.#linked.set(run.id, traces);
      for (const trace of traces) {
        const runs = links.get(trace) ?? [];
        links.set(trace, runs);
        runs.push(run.id);
      }
    }
    return links;
  }

  async #tracesOf(experimentId: string, runId: string): Promise<string[]> {
    const found: string[] = [];
    try {
      for await (const page of this.#search(experimentId, 'timestamp_ms ASC', `attributes.run_id = '${runId}'`)) {
        // Traces created during a run contain its id.
        found.push(...page.filter(({ metadata }) => metadata['mlflow.sourceRun'] !== runId).map(({ id }) => id));
      }
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
    return found;
  }

  async spans(trace: SourceTrace): Promise<Span[]> {
    if (trace.hasSpans) {
      try {
        const answer = await this.#rest.text(`${API}/get`, { trace_id: trace.id, allow_partial: 'true' });
        const { trace: whole } = exactJson(answer) as { readonly trace?: Json };
        return list(whole?.['spans']).map(spanOfWire);
      } catch (error) {
        if (!isAbsent(error)) throw error;
      }
    }
    try {
      const file = exactJson(await this.#rest.text(FILE, { request_id: trace.id })) as Json;
      return list(file['spans']).map(spanOfStored);
    } catch (error) {
      // Its client wrote none.
      if (isAbsent(error)) return [];
      throw error;
    }
  }
}

export const isAbsent = (error: unknown): boolean => error instanceof DaisError && error.code === 'not_found';
const list = (value: unknown): readonly Json[] => (Array.isArray(value) ? (value as Json[]) : []);
const object = (value: unknown): Json => (value ?? {}) as Json;
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const filled = <Name extends string>(name: Name, value: unknown) =>
  (text(value) === '' ? {} : { [name]: storable(text(value)) }) as { readonly [N in Name]?: string };

function tokenOf(page: Json): string | undefined {
  const token = page['next_page_token'];
  return typeof token === 'string' && token !== '' ? token : undefined;
}

const TRACE_STATES: readonly string[] = ['IN_PROGRESS', 'OK', 'ERROR'];

export function stateOf(value: unknown): TraceState {
  return TRACE_STATES.includes(text(value)) ? (value as TraceState) : 'UNSPECIFIED';
}

function traceOf(json: Json): SourceTrace {
  const tags = textsOf(json['tags']);
  const took = /^(\d+(?:\.\d+)?)s$/.exec(text(json['execution_duration']))?.[1];
  return {
    id: text(json['trace_id']),
    requestedAt: timeOf(json['request_time']),
    ...(took !== undefined && { durationMs: Math.round(Number(took) * 1000) }),
    state: stateOf(json['state']),
    ...filled('clientRequestId', json['client_request_id']),
    ...filled('requestPreview', json['request_preview']),
    ...filled('responsePreview', json['response_preview']),
    ...wordsOf(tags, textsOf(json['trace_metadata'])),
    assessments: list(json['assessments']).map(assessmentOf),
    runIds: [],
    prompts: promptsIn(tags),
  };
}

function oldTraceOf(json: Json): SourceTrace {
  const pairs = (value: unknown) =>
    Object.fromEntries(list(value).map((one) => [text(one['key']), text(one['value'])]));
  const tags = pairs(json['tags']);
  const took = json['execution_time_ms'];
  return {
    id: text(json['request_id']),
    requestedAt: Number(json['timestamp_ms'] ?? 0),
    ...(took !== undefined && took !== null && { durationMs: Math.max(0, Number(took)) }),
    state: stateOf(json['status']),
    ...wordsOf(tags, pairs(json['request_metadata'])),
    assessments: [],
    runIds: [],
    prompts: promptsIn(tags),
  };
}

function timeOf(value: unknown): number {
  const time = Date.parse(text(value));
  return Number.isNaN(time) ? 0 : time;
}

function assessmentOf(json: Json): SourceAssessment {
  const source = object(json['source']);
  return {
    id: text(json['assessment_id']),
    ...filled('spanId', json['span_id']),
    name: text(json['assessment_name']),
    ...judgmentOf(json),
    source: { type: text(source['source_type']) || 'SOURCE_TYPE_UNSPECIFIED', id: text(source['source_id']) },
    ...filled('rationale', json['rationale']),
    metadata: textsOf(json['metadata']),
    ...filled('overrides', json['overrides']),
    valid: json['valid'] !== false,
    createdAt: timeOf(json['create_time']),
    updatedAt: timeOf(json['last_update_time']),
  };
}

function judgmentOf(json: Json): Pick<SourceAssessment, 'kind' | 'value' | 'error'> {
  if (json['expectation'] !== undefined) {
    const { serialized_value: written, value } = object(json['expectation']) as {
      readonly serialized_value?: { readonly value?: string };
      readonly value?: unknown;
    };
    return { kind: 'expectation', value: written === undefined ? (value ?? null) : parsed(written.value ?? 'null') };
  }
  if (json['issue'] !== undefined) return { kind: 'issue', value: text(object(json['issue'])['issue_name']) };
  const feedback = object(json['feedback']);
  return { kind: 'feedback', value: feedback['value'] ?? null, ...errorOf(feedback['error'] ?? json['error']) };
}
