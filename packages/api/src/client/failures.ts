/** Converts every failure between a client and a server to a DaisError. */
import { errorCatalog, type ErrorCode } from '#error-catalog.ts';
import { DaisError, fromProblem, type Problem } from '#errors.ts';

/** For problems of a newer server with a code that this version does not have. */
const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  410: 'cursor_expired',
  412: 'precondition_failed',
  413: 'too_large',
  429: 'rate_limited',
  503: 'overloaded',
};

/** Converts an error response. `address` is named when another program responded. */
export async function errorOfAnswer(response: Response, address: string, now: number): Promise<DaisError> {
  const text = await response.text().catch(() => '');
  const problem = problemOf(text);
  if (problem === undefined) {
    const type = response.headers.get('content-type')?.split(';')[0] ?? 'no content type';
    return new DaisError(
      'upstream_failed',
      `${address} returned status ${response.status} and ${type}, which is not a Dais response. Is it another server or a proxy?`,
    );
  }
  const retryAfter = secondsOf(response.headers.get('retry-after'), now);
  return errorOfProblem(problem, retryAfter);
}

/** Also for the `error` event at the end of a stream. */
export function errorOfProblem(problem: Problem, retryAfter?: number): DaisError {
  if (Object.hasOwn(errorCatalog, problem.code)) return fromProblem(problem, retryAfter);
  const code = CODES_BY_STATUS[problem.status] ?? (problem.status < 500 ? 'invalid_request' : 'internal');
  const detail = [problem.title, problem.detail, problem.remedy].filter((part) => part).join(' ');
  return fromProblem({ ...problem, code, detail }, retryAfter);
}

/** Undefined when the text is no problem document. */
function problemOf(text: string): Problem | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, status } = value as Partial<Problem>;
  return typeof code === 'string' && typeof status === 'number' ? (value as Problem) : undefined;
}

/** Retry-After (RFC 9110 §10.2.3): seconds, or a date. */
function secondsOf(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}

/** No response. The message of `fetch` is generic; runtimes have the reason in `cause`. */
export function errorOfNetwork(error: unknown, address: string): DaisError {
  const code = innermostCode(error);
  return new DaisError('server_unreachable', networkText(code, error, address), { cause: error });
}

function networkText(code: string | undefined, error: unknown, address: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `No server at ${address}.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name of ${address} cannot be resolved (${code}).`;
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `${address} closed the connection without a response.`;
    case undefined:
      return `${address} is unreachable: ${innermostMessage(error)}.`;
    default:
      return /CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code)
        ? `The certificate of ${address} is not trusted (${code}).`
        : `${address} is unreachable (${code}).`;
  }
}

function innermostMessage(error: unknown): string {
  let here: unknown = error;
  for (let depth = 0; depth < 5 && here instanceof Error && here.cause instanceof Error; depth++) here = here.cause;
  return here instanceof Error ? here.message : String(here);
}

function innermostCode(error: unknown): string | undefined {
  let code: string | undefined;
  let here: unknown = error;
  for (let depth = 0; depth < 5 && typeof here === 'object' && here !== null; depth++) {
    const one = here as { code?: unknown; cause?: unknown; errors?: readonly unknown[] };
    if (typeof one.code === 'string') code = one.code;
    // Node tries every address of a name and collects the errors.
    here = one.cause ?? one.errors?.[0];
  }
  return code;
}
