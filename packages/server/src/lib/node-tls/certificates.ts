/** X.509 certificates of nodes, signed by the certificate authority of their installation. ECDSA with P-256. */
import { createPrivateKey, KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';

/** PEM texts; the key is PKCS #8. */
export interface KeyedCertificate {
  readonly cert: string;
  readonly key: string;
}

/** What a node needs for connections to other nodes. */
export interface NodeTls extends KeyedCertificate {
  /** Certificates of all trusted authorities (PEM): two while the authority is rotated. */
  readonly ca: readonly string[];
}

const HOUR_MS = 3_600_000;
/** Validity of a node's certificate. */
export const CERTIFICATE_MS = 24 * HOUR_MS;
/** Validity of the authority's own certificate. */
export const AUTHORITY_MS = 10 * 365 * 24 * HOUR_MS;
/** Certificates are valid from this long before their creation, because clocks of nodes differ. */
const BACKDATE_MS = 2 * HOUR_MS;
const KEYS = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const DOMAIN = 'node.dais.internal';
const NODE_NAME = /(?:^|, )DNS:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.node\.dais\.internal(?:,|$)/;

/** Returns the name of a node in its certificate. It is in no DNS: connections use the address that the node announces. */
export function nodeName(node: string): string {
  return `${node}.${DOMAIN}`;
}

/** Returns the id of the node that a certificate is for; undefined for other certificates. */
export function nodeOf(subjectAltName: string | undefined): string | undefined {
  return NODE_NAME.exec(subjectAltName ?? '')?.[1];
}

/** Creates a certificate authority. `name`: distinguishes the generations. `now`: milliseconds since the Unix epoch. */
export async function createAuthority(name: string, now: number): Promise<KeyedCertificate> {
  const x509 = await load();
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [name] }, { O: ['Dais'] }],
    ...validity(now, AUTHORITY_MS),
    keys,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: pemOf(keys.privateKey) };
}

/**
 * Issues the certificate of a node, for both sides of a connection. `hosts`: names and addresses at which other nodes reach it.
 */
export async function issueCertificate(
  authority: KeyedCertificate,
  { node, hosts, now }: { readonly node: string; readonly hosts: readonly string[]; readonly now: number },
): Promise<KeyedCertificate> {
  const x509 = await load();
  const keys = await generateKeys();
  const issuer = new x509.X509Certificate(authority.cert);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [node] }, { O: ['Dais'] }],
    issuer: issuer.subject,
    ...validity(now, CERTIFICATE_MS),
    publicKey: keys.publicKey,
    signingKey: createPrivateKey(authority.key).toCryptoKey(KEYS, false, ['sign']),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: nodeName(node) },
        ...hosts.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: pemOf(keys.privateKey) };
}

async function generateKeys() {
  return await webcrypto.subtle.generateKey(KEYS, true, ['sign', 'verify']);
}

function validity(now: number, lifetimeMs: number) {
  return { notBefore: new Date(now - BACKDATE_MS), notAfter: new Date(now + lifetimeMs) };
}

function pemOf(key: webcrypto.CryptoKey): string {
  return KeyObject.from(key).export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** Loaded with the first certificate: a single node has none. */
async function load() {
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}
