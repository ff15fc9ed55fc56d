/** Describes why a call failed, with its origin and without secrets. */
import type { Timeouts } from './dispatchers.ts';

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses the connection',
  ECONNRESET: 'closed the connection',
  EPIPE: 'closed the connection',
  UND_ERR_SOCKET: 'closed the connection',
  EHOSTUNREACH: 'cannot be reached: no route to the host',
  ENETUNREACH: 'cannot be reached: no route to the network',
  ETIMEDOUT: 'did not accept the connection',
};

/** Error codes of OpenSSL and Node for untrusted certificates. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|INVALID_CA|ERR_TLS_CERT_\w+)$/;

/** What `error` means for a caller of `origin`. */
export function failureText(error: unknown, origin: string, timeouts: Timeouts): string {
  return `${origin} ${reasonOf(error, timeouts)}`;
}

/** The error, what caused it and, for several addresses tried in a row, each of theirs. */
export function chainOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  const pending = [error];
  for (let one = pending.shift(); one !== undefined && chain.length < 20; one = pending.shift()) {
    if (!(one instanceof Error)) continue;
    chain.push(one);
    pending.push(one.cause, ...(one instanceof AggregateError ? one.errors : []));
  }
  return chain;
}

/** Returns the meaning of a system or TLS error code, as the predicate of a sentence about the peer. */
export function codeText(code: string): string | undefined {
  return UNTRUSTED.test(code)
    ? `has a certificate that is not trusted (${code}); add its certificate authority to outbound.extraCa in the configuration`
    : WORDS[code];
}

function reasonOf(error: unknown, timeouts: Timeouts): string {
  for (const one of chainOf(error)) {
    const code = (one as NodeJS.ErrnoException).code ?? '';
    if (one.name === 'TimeoutError') return `did not complete within ${timeouts.totalMs} ms`;
    if (code === 'UND_ERR_CONNECT_TIMEOUT') return `did not accept a connection within ${timeouts.connectMs} ms`;
    if (code === 'UND_ERR_HEADERS_TIMEOUT') return `did not respond within ${timeouts.headersMs} ms`;
    if (code === 'UND_ERR_BODY_TIMEOUT') return `sent no data for ${timeouts.idleMs} ms`;
    const tunnel = /^Proxy response \((\d+)\)/.exec(one.message);
    if (tunnel !== null) return `cannot be reached: the proxy responds with status ${tunnel[1]}`;
    if (one.message.startsWith('Proxy Authentication Required'))
      return 'cannot be reached: the proxy responds with status 407';
    const words = codeText(code);
    if (words !== undefined) return words;
  }
  const first: NodeJS.ErrnoException | undefined = chainOf(error)[0];
  const code = first?.code ?? first?.name ?? 'unknown';
  return `cannot be called (${code})`;
}
