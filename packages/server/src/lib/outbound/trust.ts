import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Fail } from './error-code.ts';

export interface Trust {
  readonly secureContext: SecureContext;
  /** What it trusts, as PEM. */
  readonly authorities: readonly string[];
}

/**
 * Trust in the authorities of Node and those of `extraCa` (PEM). Created once for all connections: parsing 140 roots
 * costs more than a handshake.
 * @throws the error of `fail` with `invalid_config` if it contains no certificate or an invalid one.
 */
export function extendTrust(extraCa: string, fail: Fail): Trust {
  const certificates = extraCa.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw fail('invalid_config', 'outbound.extraCa contains no PEM certificate');
  try {
    // createSecureContext passes over what it cannot read; X509Certificate does not.
    const read = certificates.map((certificate) => new X509Certificate(certificate).toString());
    const authorities = [...rootCertificates, ...read];
    return { authorities, secureContext: createSecureContext({ ca: authorities }) };
  } catch (cause) {
    throw fail('invalid_config', 'outbound.extraCa contains a certificate that cannot be read', cause);
  }
}
