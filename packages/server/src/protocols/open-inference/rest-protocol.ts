/** The Open Inference Protocol over HTTP: https://github.com/kserve/open-inference-protocol */
import { DaisError } from '@dais/api/errors';
import type { MetadataRoute, ServingRoute, ServedView, ServingProtocol, ServingReply } from '#gateway/index.ts';
import { EXTENSIONS, isReady, modelMetadata, modelStatistics, repositoryIndex, variantOf } from './metadata.ts';
import { explainResponse } from './explain.ts';
import { binaryAt, jsonLength, restOpener, type OpenRest } from './open-rest.ts';
import { readRest } from './rest-request.ts';

const BASE = '/v2';
const MODELS = '/v2/models/';

export function restProtocol(): ServingProtocol {
  const open = restOpener();
  return { name: 'open-inference', match: (method, path) => match(method, path, open), formatError: errorOf };
}

function match(method: string, path: string, open: OpenRest): ServingRoute | undefined {
  if (!path.startsWith(BASE)) return undefined;
  if (path.startsWith(MODELS)) return matchModel(method, path.slice(MODELS.length), open);
  // With or without a trailing slash: clients use both.
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  switch (`${method} ${plain}`) {
    case 'GET /v2/health/live':
      return answered('health', () => json(200, { live: true }), true);
    case 'GET /v2/health/ready':
      return answered('health', ({ ready }) => json(ready ? 200 : 503, { ready }), true);
    case 'GET /v2':
      return answered('serverMetadata', ({ server }) => json(200, { ...server, extensions: EXTENSIONS }), true);
    case 'GET /v2/models':
      return answered('models', (served) => json(200, { models: served.endpoints().map(({ name }) => name) }));
    case 'POST /v2/repository/index':
      return answered('repository', (served, body) => json(200, repositoryIndex(served, onlyReady(body))));
    default:
      return path.startsWith('/v2/repository/models/') && method === 'POST' ? matchRepository(path) : undefined;
  }
}

function matchModel(method: string, rest: string, open: OpenRest): ServingRoute | undefined {
  const parts = rest.split('/');
  if (parts.at(-1) === '') parts.pop();
  const endpoint = named(parts[0]);
  if (endpoint === undefined) return undefined;
  if (method === 'GET' && endpoint === 'stats' && parts.length === 1) {
    return answered('statistics', (served) => json(200, { model_stats: allStatistics(served) }));
  }
  const versioned = parts[1] === 'versions' && parts.length > 2;
  const version = versioned ? named(parts[2]) : undefined;
  if (versioned && version === undefined) return undefined;
  const verbs = parts.slice(versioned ? 3 : 1);
  if (verbs.length > 1) return undefined;
  const [verb] = verbs;
  if (method === 'POST' && verb === 'infer') {
    return { kind: 'infer', operation: 'infer', endpoint, version, binaryAt, open };
  }
  if (method === 'POST' && verb === 'explain') {
    return answered('explain', async (served, body, { headers }) => {
      const { variant } = findVariant(served, endpoint, version);
      const request = readRest(body, jsonLength(headers['inference-header-content-length'], body), false);
      return json(200, await explainResponse(endpoint, variant, request));
    });
  }
  if (method !== 'GET') return undefined;
  switch (verb) {
    case undefined:
      return answered('modelMetadata', async (served) => {
        const { found, variant } = findVariant(served, endpoint, version);
        return json(200, await modelMetadata(found, variant));
      });
    case 'ready':
      return answered('modelReady', (served) => {
        const { found, variant } = findVariant(served, endpoint, version);
        const ready = served.ready && isReady(variant);
        return json(ready ? 200 : 503, { name: found.name, ready });
      });
    case 'stats':
      return answered('statistics', (served) => {
        const { found, variant } = findVariant(served, endpoint, version);
        const of = version === undefined ? found.variants : [variant];
        return json(200, { model_stats: of.map((one) => modelStatistics(found, one)) });
      });
    default:
      return undefined;
  }
}

function matchRepository(path: string): ServingRoute | undefined {
  const [name, verb] = path.slice('/v2/repository/models/'.length).split('/');
  if (verb !== 'load' && verb !== 'unload') return undefined;
  return answered('repository', (served) => {
    served.endpoint({ endpoint: name ?? '' });
    throw new DaisError(
      'forbidden',
      `The platform loads the models of the Endpoint "${name}". Change them with \`dais deploy\` or \`dais apply\`.`,
    );
  });
}

function findVariant(served: ServedView, endpoint: string, version: string | undefined) {
  const found = served.endpoint({ endpoint });
  const variant = variantOf(found, version);
  if (variant !== undefined) return { found, variant };
  if (version === undefined) {
    throw new DaisError('model_unavailable', `The endpoint "${endpoint}" has no model yet.`, { retryAfter: 1 });
  }
  throw new DaisError(
    'not_found',
    `The model "${endpoint}" has no version "${version}". Available versions: ${found.versions.join(', ')}.`,
  );
}

function allStatistics(served: ServedView) {
  return served
    .endpoints()
    .flatMap((endpoint) => endpoint.variants.map((variant) => modelStatistics(endpoint, variant)));
}

function onlyReady(body: Buffer): boolean {
  if (body.length === 0) return false;
  try {
    return (JSON.parse(body.toString('utf8')) as { ready?: unknown } | null)?.ready === true;
  } catch {
    throw new DaisError('unreadable_body', 'The body is not valid JSON.');
  }
}

function answered(operation: string, answer: MetadataRoute['answer'], open = false): MetadataRoute {
  return { kind: 'answer', operation, ...(open && { open: true as const }), answer };
}

function named(part: string | undefined): string | undefined {
  if (part === undefined || part === '') return undefined;
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function json(status: number, value: unknown): ServingReply {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
}

/** All errors have one format; an invalid request is always 400. */
function errorOf(error: DaisError): ServingReply {
  const status = error.status === 422 || error.status === 415 ? 400 : error.status;
  return json(status, { error: error.message });
}
