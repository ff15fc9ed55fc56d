/** The KServe V1 protocol: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol */
import { DaisError } from '@dais/api/errors';
import {
  toTensors,
  type ServingRoute,
  type ServedEndpointView,
  type ServingProtocol,
  type ServingReply,
} from '#gateway/index.ts';
import { readInstances } from './frame.ts';
import { scoringOpener, type OpenScoring } from './open-scoring.ts';

const MODELS = '/v1/models';
const PREDICT = ':predict';
const EXPLAIN = ':explain';

export function v1Protocol(opener: OpenScoring = scoringOpener()): ServingProtocol {
  return {
    name: 'kserve-v1',
    match: (method, path) => match(method, path, opener),
    formatError: (error) =>
      json(error.status === 422 || error.status === 415 ? 400 : error.status, { error: error.message }),
  };
}

function match(method: string, path: string, opener: OpenScoring): ServingRoute | undefined {
  if (method === 'GET' && (path === '/' || path === '')) {
    // Liveness of the server in this protocol.
    return { kind: 'answer', operation: 'health', open: true, answer: () => json(200, { status: 'alive' }) };
  }
  if (!path.startsWith(MODELS)) return undefined;
  const rest = path.slice(MODELS.length);
  if (method === 'GET' && (rest === '' || rest === '/')) {
    return {
      kind: 'answer',
      operation: 'models',
      answer: (served) => json(200, { models: served.endpoints().map(({ name }) => name) }),
    };
  }
  if (!/^\/[^/]+$/.test(rest)) return undefined;
  if (method === 'POST' && rest.endsWith(PREDICT)) {
    const endpoint = decoded(rest.slice(1, -PREDICT.length));
    return { kind: 'infer', operation: 'predict', endpoint, open: (body) => opener(body, 'instances') };
  }
  if (method === 'POST' && rest.endsWith(EXPLAIN)) {
    const endpoint = decoded(rest.slice(1, -EXPLAIN.length));
    return {
      kind: 'answer',
      operation: 'explain',
      answer: async (served, body) => json(200, await explanations(served.endpoint({ endpoint }), body)),
    };
  }
  if (method !== 'GET') return undefined;
  const endpoint = decoded(rest.slice(1));
  return {
    kind: 'answer',
    operation: 'modelReady',
    answer: (served) => {
      const { name, variants } = served.endpoint({ endpoint });
      const ready = served.ready && variants.some(({ state }) => state === 'ready' || state === 'idle');
      return json(ready ? 200 : 503, { name, ready });
    },
  };
}

/**
 * The protocol does not define the format of an explanation. Uses the input example of the model as background, and the
 * best method.
 */
async function explanations({ variants }: ServedEndpointView, body: Buffer): Promise<object> {
  const [variant] = variants;
  if (variant === undefined) throw new DaisError('model_unavailable', 'The endpoint has no model.');
  const inputs = toTensors(readInstances(body).given, await variant.describe());
  const { method, features, attributions, baselines, instances } = await variant.explain({ inputs, method: 'auto' });
  const width = features.length;
  return {
    predictions: Array.from(instances),
    explanations: Array.from(instances, (_, row) => ({
      method,
      baseline: baselines[row],
      attributions: Object.fromEntries(features.map((name, at) => [name, attributions[row * width + at]])),
    })),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function json(status: number, value: unknown): ServingReply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}
