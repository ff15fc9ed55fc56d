import { X509Certificate } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import type { Fail } from './fault.ts';

/**
 * Trust in the authorities that come with Node and in those of `extraCa` (PEM). Made once for all connections: reading 140
 * roots anew costs more than a handshake.
 * @throws the error of `fail` with `invalid_config` when there is no certificate or one that cannot be read.
 */
export function trustAlso(extraCa: string, fail: Fail): SecureContext {
  const certificates = extraCa.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw fail('invalid_config', 'outbound.extraCa holds no PEM certificate');
  try {
    // createSecureContext passes over what it cannot read; X509Certificate does not.
    const read = certificates.map((certificate) => new X509Certificate(certificate).toString());
    return createSecureContext({ ca: [...rootCertificates, ...read] });
  } catch (cause) {
    throw fail('invalid_config', 'outbound.extraCa holds a certificate that cannot be read', cause);
  }
}
