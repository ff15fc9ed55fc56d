/** MLflow's scoring protocol, below `/endpoints/NAME`: the API of `mlflow models serve`. */
import { DaisError, type ErrorCode } from '@dais/api/errors';
import type {
  MetadataRoute,
  ServingRoute,
  EndpointAddress,
  ServingCall,
  ServingProtocol,
  ServingReply,
} from '#gateway/index.ts';
import { scoringOpener, type OpenScoring } from './open-scoring.ts';
import type { BodyForm } from './scoring-body.ts';

const BASE = '/endpoints/';
/** The newest version with this protocol; clients check it before they send `params`. */
const MLFLOW_VERSION = '3.18.0';

export function scoringProtocol(opener: OpenScoring = scoringOpener()): ServingProtocol {
  return { name: 'scoring', match: (method, path) => match(method, path, opener), formatError: errorOf };
}

function match(method: string, path: string, opener: OpenScoring): ServingRoute | undefined {
  if (!path.startsWith(BASE)) return undefined;
  const parts = path.slice(BASE.length).split('/');
  const versioned = parts[1] === 'versions' && parts.length === 4;
  const verb = parts.at(-1);
  if (parts.length !== (versioned ? 4 : 2)) return undefined;
  const endpoint = decoded(parts[0]);
  const version = versioned ? decoded(parts[2]) : undefined;
  if (endpoint === undefined) return undefined;
  if (method === 'POST' && verb === 'invocations') {
    const open = (body: Buffer, call: ServingCall) => opener(body, formOf(call));
    return { kind: 'infer', operation: 'score', endpoint, version, open };
  }
  if (method !== 'GET') return undefined;
  if (verb === 'ping' || verb === 'health') return health({ endpoint, version });
  if (verb === 'version') {
    const answer = (): ServingReply => ({ status: 200, headers: PLAIN, body: MLFLOW_VERSION });
    return { kind: 'answer', operation: 'scoringVersion', open: true, answer };
  }
  return undefined;
}

const PLAIN = { 'content-type': 'text/plain; charset=utf-8' };

/** Healthy if one variant is available. */
function health({ endpoint }: EndpointAddress): MetadataRoute {
  return {
    kind: 'answer',
    operation: 'scoringHealth',
    answer: (served) => {
      const { variants } = served.endpoint({ endpoint });
      const well = served.ready && variants.some(({ state }) => state === 'ready' || state === 'idle');
      return { status: well ? 200 : 503, headers: PLAIN, body: '\n' };
    },
  };
}

const FORMS: Readonly<Record<string, BodyForm>> = {
  'application/json': 'json',
  'text/csv': 'csv',
  'application/vnd.apache.parquet': 'parquet',
};

function formOf({ headers }: ServingCall): BodyForm {
  const [type = '', ...parameters] = (headers['content-type'] ?? '')
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const foreign = parameters.find((parameter) => !/^charset="?utf-8"?$/.test(parameter) && parameter !== '');
  if (foreign !== undefined) throw unsupported(`the parameter ${foreign}`);
  const form = Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
  if (form === undefined) throw unsupported(type === '' ? 'no Content-Type' : `the Content-Type ${type}`);
  return form;
}

function unsupported(what: string): DaisError {
  return new DaisError(
    'unsupported_media_type',
    `The request has ${what}. Supported types are ${Object.keys(FORMS).join(', ')}, with no parameter except charset=utf-8.`,
  );
}

function decoded(part: string | undefined): string | undefined {
  try {
    return part === undefined || part === '' ? undefined : decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

const CODES: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'UNAUTHENTICATED',
  forbidden: 'PERMISSION_DENIED',
  not_found: 'RESOURCE_DOES_NOT_EXIST',
  route_not_found: 'ENDPOINT_NOT_FOUND',
  rate_limited: 'REQUEST_LIMIT_EXCEEDED',
  internal: 'INTERNAL_ERROR',
};

function errorOf(error: DaisError): ServingReply {
  if (error.status === 415) return { status: 415, headers: PLAIN, body: error.message };
  const code = CODES[error.code] ?? (error.status >= 500 ? 'TEMPORARILY_UNAVAILABLE' : 'BAD_REQUEST');
  return {
    status: error.status === 422 ? 400 : error.status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ error_code: code, message: error.message }),
  };
}
