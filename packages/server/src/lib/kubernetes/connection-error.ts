/** Failures below HTTP: network, TLS, and responses that cannot be read. Each is one sentence with what to do. */
import { chainOf } from '#lib/outbound/failure-text.ts';

export type ConnectionProblem =
  | 'unreachable'
  | 'timeout'
  | 'closed'
  | 'certificate-untrusted'
  | 'certificate-expired'
  | 'certificate-name'
  | 'client-certificate'
  | 'tls'
  | 'proxy'
  | 'too-large'
  | 'unreadable';

/** The API server did not return a complete response. The message contains no credentials. */
export class ConnectionError extends Error {
  readonly problem: ConnectionProblem;

  constructor(problem: ConnectionProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ConnectionError';
    this.problem = problem;
  }
}

type Description = readonly [problem: ConnectionProblem, predicate: string];

const UNREACHABLE = 'Check its address, the network and the firewall.';
const SYSTEM: Readonly<Record<string, Description>> = {
  ECONNREFUSED: ['unreachable', `refuses the connection. Check the port, and that the API server runs.`],
  ENOTFOUND: ['unreachable', 'has an unknown host name. Check the host in `server`, and DNS.'],
  EAI_AGAIN: ['unreachable', 'has a host name that DNS cannot resolve now. Check the DNS server.'],
  EHOSTUNREACH: ['unreachable', `cannot be reached: no route to the host. ${UNREACHABLE}`],
  ENETUNREACH: ['unreachable', `cannot be reached: no route to the network. ${UNREACHABLE}`],
  ETIMEDOUT: ['unreachable', `does not accept the connection in time. ${UNREACHABLE}`],
  UND_ERR_CONNECT_TIMEOUT: ['proxy', 'cannot be reached: the proxy does not accept the connection. Check `proxy-url`.'],
  ECONNRESET: ['closed', 'closed the connection before the end of the response. A retry can succeed.'],
  EPIPE: ['closed', 'closed the connection before the end of the request. A retry can succeed.'],
  CERT_HAS_EXPIRED: ['certificate-expired', 'has a certificate that expired. Renew the certificate of the API server.'],
  CERT_NOT_YET_VALID: [
    'certificate-expired',
    'has a certificate that is not valid yet. Check the clocks of this machine and of the API server.',
  ],
  EPROTO: ['tls', 'does not speak TLS on this port. Check the port in `server`.'],
};

const CERTIFICATE: readonly (readonly [pattern: RegExp, ...description: Description])[] = [
  [
    /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|INVALID_CA|CERT_\w+)$/,
    'certificate-untrusted',
    'has a certificate of an unknown authority. Write the CA of the cluster into `certificate-authority-data`.',
  ],
  [
    /^ERR_SSL_(?:\w+_)?(?:ALERT_)?(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|HANDSHAKE_FAILURE)$/,
    'client-certificate',
    'rejects the client certificate. Check that it is of this cluster and has not expired.',
  ],
  [/^ERR_SSL_WRONG_VERSION_NUMBER$|^ERR_SSL_PACKET_LENGTH_TOO_LONG$/, ...(SYSTEM['EPROTO'] as Description)],
  [
    /^ERR_(?:OSSL|SSL)_\w+/,
    'tls',
    'cannot be reached: the TLS handshake failed. Check `server`, and the client certificate with its key.',
  ],
];

/** Describes what `error` of a request means. `server` is the origin of the API server. */
export function describeConnectionError(error: unknown, server: string): ConnectionError {
  const known = chainOf(error).find((one) => one instanceof ConnectionError);
  if (known !== undefined) return known;
  for (const one of chainOf(error)) {
    const code = (one as NodeJS.ErrnoException).code ?? '';
    const [problem, predicate] = describe(one, code) ?? [];
    if (problem !== undefined) return new ConnectionError(problem, `The API server ${server} ${predicate}`, error);
  }
  const first: NodeJS.ErrnoException | undefined = chainOf(error)[0];
  const code = first?.code ?? first?.name ?? 'unknown';
  return new ConnectionError(
    'unreachable',
    `The API server ${server} cannot be called (${code}). ${UNREACHABLE}`,
    error,
  );
}

function describe(error: Error, code: string): Description | undefined {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const remedy = 'Use one of its names in `server`, or set `tls-server-name`.';
    return ['certificate-name', `has a certificate for other names (${namesOf(error)}). ${remedy}`];
  }
  const tunnel = /^Proxy response \((\d+)\)/.exec(error.message);
  if (tunnel !== null) {
    return ['proxy', `cannot be reached: the proxy responds with status ${tunnel[1]}. Check \`proxy-url\`.`];
  }
  const [, problem, predicate] =
    CERTIFICATE.find(([pattern]) => !Object.hasOwn(SYSTEM, code) && pattern.test(code)) ?? [];
  if (problem !== undefined && predicate !== undefined) return [problem, predicate];
  return Object.hasOwn(SYSTEM, code) ? SYSTEM[code] : undefined;
}

function namesOf(error: Error): string {
  const names = (error as { cert?: { subjectaltname?: unknown } }).cert?.subjectaltname;
  return typeof names === 'string' && names !== '' ? names.slice(0, 200) : 'none';
}
