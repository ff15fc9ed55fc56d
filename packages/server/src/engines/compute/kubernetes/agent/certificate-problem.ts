/** A TLS certificate of Dais that the agent does not accept. */

/** Codes of OpenSSL, as Node reports them: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'INVALID_CA',
]);

/** The remedy is at the target, so the agent ends, and Kubernetes shows its message. */
export class CertificateProblem extends Error {}

/** Returns the problem with its remedy. Undefined for all other errors. `origin`: of Dais. */
export function certificateProblem(error: unknown, origin: string): CertificateProblem | undefined {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  const fail = (problem: string, remedy: string) =>
    new CertificateProblem(`The certificate of ${origin} ${problem}: ${message}. ${remedy}`, { cause: error });
  if (typeof code !== 'string') return undefined;
  if (UNTRUSTED.has(code)) {
    return fail(
      'is not trusted',
      'Add its certificate authority, in PEM format, to `spec.agent.ca` of the target, or set `executions.agentCa` of the configuration to its file.',
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return fail('is for other names', 'Set `spec.agent.url` of the target to a name of the certificate.');
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return fail('is not valid now', 'Renew it, or correct the clock of the node.');
  }
  return undefined;
}
