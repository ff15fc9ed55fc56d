/** Spans become spans of traces, in the experiment that the request names. */
import { logSpansOperation, type ResourceSpans } from '@dais/api/tracking';
import { decodeJson } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import type { Rejections } from './encode.ts';
import { EXPERIMENT_HEADER, isFromMlflow, Refusal } from './otlp-http.ts';
import { decodedBody, type ReceivedRequest } from './received-request.ts';
import { RUN_HEADER } from './run-of-telemetry.ts';

/** The experiment as attributes of the program, for exporters that cannot set a header. */
const EXPERIMENT_ATTRIBUTES = ['mlflow.experimentId', 'mlflow.experiment_id'] as const;
const DEFAULT_EXPERIMENT = '0';

const decode = { json: decodeJson, protobuf: decodeProtobuf };
const names = { message: 'ExportTraceServiceRequest', items: 'spans' };

export async function receiveSpans(request: ReceivedRequest): Promise<Rejections> {
  const { resources, spans, rejected, reason } = decodedBody(request, decode, names);
  const { headers, call } = request;
  if (resources.length === 0 && isFromMlflow(headers)) throw new Refusal('The request is invalid: no spans found.');
  const runId = headers[RUN_HEADER];
  for (const [experimentId, group] of byExperiment(resources, headers[EXPERIMENT_HEADER])) {
    const input = { experimentId, ...(typeof runId === 'string' && { runId }), resources: group };
    await call(logSpansOperation, input);
  }
  if (spans > 0 && rejected === spans) {
    throw new Refusal(`All spans were rejected: ${reason ?? ''}.`, isFromMlflow(headers) ? 422 : 400);
  }
  return { rejected, reason };
}

/** Assigns each resource to the experiment of the header, else of the resource, else to the default one. */
function byExperiment(
  resources: readonly ResourceSpans[],
  header: string | string[] | undefined,
): ReadonlyMap<string, ResourceSpans[]> {
  const groups = new Map<string, ResourceSpans[]>();
  for (const one of resources) {
    if (one.spans.length === 0) continue;
    const named = EXPERIMENT_ATTRIBUTES.map((key) => one.resource?.[key]).find((value) => value !== undefined);
    const own = typeof named === 'string' || typeof named === 'number' ? String(named) : DEFAULT_EXPERIMENT;
    const id = typeof header === 'string' && header !== '' ? header : own;
    if (!/^\d{1,18}$/.test(id)) throw new Refusal(`"${id.slice(0, 80)}" is not an experiment id.`);
    const group = groups.get(id) ?? [];
    groups.set(id, group);
    group.push(one);
  }
  return groups;
}
