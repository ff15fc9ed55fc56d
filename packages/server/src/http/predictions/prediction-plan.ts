/** Which requests of the main port are ordinary predictions, and what the gateway gets of them. */
import type { RequestHead } from '#lib/http/request-head.ts';
import { projectAddress, withoutBasePath } from '#http/server/public-address.ts';
import { HOP_HEADERS } from './forwarded-headers.ts';

/** A prediction that needs no other part of the server. */
export interface PredictionPlan {
  readonly endpoint: string;
  /** Projects that the request names. */
  readonly projects: readonly string[];
  /** The path without the project, and the whole path for logs. */
  readonly path: string;
  readonly shownPath: string;
  readonly headers: RequestHead['headers'];
}

const PREDICTION =
  /^(?:\/v2\/models\/([\w.-]+)(?:\/versions\/[\w.-]+)?\/infer|\/endpoints\/([\w.-]+)\/(?:versions\/[\w.-]+\/)?invocations|\/v1\/models\/([\w.-]+):predict)$/;
const PROJECT = /^[\w.-]+$/;

/** Requests of browsers, of proxies, and with other meanings: the routes handle them. */
const OTHERS = [
  'cookie',
  'origin',
  'sec-fetch-site',
  'forwarded',
  'via',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'dais-ticket',
  'idempotency-key',
];

/** Returns undefined for other requests. */
export function planPrediction({ method, url, headers }: RequestHead, basePath: string): PredictionPlan | undefined {
  if (method !== 'POST' || OTHERS.some((name) => name in headers)) return undefined;
  const inside = withoutBasePath(url, basePath);
  const named = projectAddress(inside);
  const path = named === undefined ? inside : named.url;
  const match = PREDICTION.exec(path);
  const endpoint = match?.[1] ?? match?.[2] ?? match?.[3];
  if (endpoint === undefined || isForPeople(headers)) return undefined;
  const projects = [named?.project, headers['dais-project']?.toString().trim()].filter(
    (project): project is string => project !== undefined && project !== '',
  );
  if (!projects.every((project) => PROJECT.test(project))) return undefined;
  return { endpoint, projects, path, shownPath: named === undefined ? path : `/p/${named.project}${path}`, headers };
}

/** Every browser calls itself Mozilla. Errors are shown to people in another way. */
function isForPeople({ accept, 'user-agent': userAgent }: RequestHead['headers']): boolean {
  return userAgent?.startsWith('Mozilla/') === true || accept?.includes('text/html') === true;
}

/** Headers that Dais sets in a forwarded request. */
export interface ForwardedAs {
  readonly host: string;
  readonly token: string;
  /** `user/ada` */
  readonly principal: string;
  readonly traceparent: string | undefined;
}

/** Returns the head of the request to the gateway, without its id. All texts are printable ASCII. */
export function forwardedHead({ path, projects, headers }: PredictionPlan, as: ForwardedAs): string {
  let text = `POST /p/${projects[0] ?? 'default'}${path} HTTP/1.1\r\n`;
  for (const name in headers) {
    if (HOP_HEADERS.has(name) || name === 'x-request-id') continue;
    if (name === 'traceparent' && as.traceparent !== undefined) continue;
    text += `${name}: ${headers[name] as string}\r\n`;
  }
  const traceparent = as.traceparent === undefined ? '' : `\r\ntraceparent: ${as.traceparent}`;
  return `${text}host: ${as.host}\r\nauthorization: Bearer ${as.token}\r\ndais-on-behalf-of: ${as.principal}${traceparent}`;
}
