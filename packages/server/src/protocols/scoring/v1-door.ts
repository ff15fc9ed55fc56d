/** KServe's first protocol: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol */
import type { DoorMatch, ServingDoor, ServingReply } from '#gateway/index.ts';
import { readInstances } from './frame.ts';
import { OpenedScoring } from './opened-scoring.ts';

const MODELS = '/v1/models';
const PREDICT = ':predict';

export function v1Door(): ServingDoor {
  return {
    name: 'kserve-v1',
    match,
    fault: (error) => json(error.status === 422 || error.status === 415 ? 400 : error.status, { error: error.message }),
  };
}

function match(method: string, path: string): DoorMatch | undefined {
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
    return { kind: 'infer', operation: 'predict', endpoint, open: (body) => new OpenedScoring(readInstances(body)) };
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
