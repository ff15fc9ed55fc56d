import { randomUUID, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { AUTHORITY_MS, CERTIFICATE_MS, createAuthority, issueCertificate, nodeName, nodeOf } from './certificates.ts';

const now = Date.parse('2026-12-01T12:00:00Z');

test('the certificate of a node is signed by its authority, for both sides of a connection, for 24 hours', async () => {
  const [first, second] = [await createAuthority('first', now), await createAuthority('second', now)];
  const node = randomUUID();
  const issued = await issueCertificate(first, { node, hosts: ['node-1.internal', '10.0.0.7', 'fd00::7'], now });
  const [certificate, authority] = [new X509Certificate(issued.cert), new X509Certificate(first.cert)];
  expect(certificate.checkIssued(authority)).toBe(true);
  expect(certificate.verify(authority.publicKey)).toBe(true);
  expect(certificate.verify(new X509Certificate(second.cert).publicKey)).toBe(false);
  expect(certificate.checkHost(nodeName(node))).toBe(nodeName(node));
  expect(certificate.checkHost('node-1.internal')).toBe('node-1.internal');
  expect([certificate.checkIP('10.0.0.7'), certificate.checkIP('fd00::7')]).toEqual(['10.0.0.7', 'fd00::7']);
  expect(certificate.checkHost(nodeName(randomUUID()))).toBeUndefined();
  expect(certificate.ca).toBe(false);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  // Clocks of nodes may differ by two hours.
  expect(Date.parse(certificate.validFrom)).toBe(now - 2 * 3_600_000);
  expect(Date.parse(certificate.validTo)).toBe(now + CERTIFICATE_MS);
  expect(authority.ca).toBe(true);
  expect(Date.parse(authority.validTo)).toBe(now + AUTHORITY_MS);
  expect(nodeOf(certificate.subjectAltName)).toBe(node);
});

test('only a name of a node identifies one', () => {
  const node = randomUUID();
  expect(nodeOf(`DNS:a.example.com, DNS:${nodeName(node)}, IP Address:10.0.0.7`)).toBe(node);
  for (const other of [
    undefined,
    '',
    'DNS:localhost',
    `URI:x/DNS:${nodeName(node)}`,
    `DNS:${nodeName(node)}.example.com`,
    `DNS:x.${nodeName(node)}`,
    `DNS:"x, DNS:${nodeName(node)}"`,
  ]) {
    expect(nodeOf(other)).toBeUndefined();
  }
});
