/** The certificate authority of a test cluster, and the kubeconfig files of its components. Created for each cluster; nothing expires in the repository. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

export interface ClusterIdentity {
  readonly user: string;
  readonly group?: string;
}

/** Who connects to the API server, by the name of its kubeconfig. */
export const IDENTITIES = {
  admin: { user: 'admin', group: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager' },
  scheduler: { user: 'system:kube-scheduler' },
  proxy: { user: 'system:kube-proxy' },
  kubelet: { user: 'system:node:node1', group: 'system:nodes' },
  dais: { user: 'dais' },
} satisfies Record<string, ClusterIdentity>;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

const OPTIONS = { keyType: 'ec', algorithm: 'sha256' } as const;

/** Signs certificates, and writes PEM files into a folder. */
export class ClusterCertificates {
  readonly #folder: string;
  readonly #authority: Pair;

  private constructor(folder: string, authority: Pair) {
    this.#folder = folder;
    this.#authority = authority;
  }

  static async create(folder: string): Promise<ClusterCertificates> {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'dais-test-cluster' }], {
      ...OPTIONS,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, digitalSignature: true, critical: true },
      ],
    });
    const certificates = new ClusterCertificates(folder, { cert, key });
    certificates.#write('ca', { cert, key });
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    certificates.#write('service-accounts', { cert: publicKey, key: privateKey });
    return certificates;
  }

  /** Returns the path of a PEM file: `NAME.crt` or `NAME.key`. */
  path(file: string): string {
    return join(this.#folder, file);
  }

  /** Writes `NAME.crt` and `NAME.key`: for a client, and with addresses for a server too. */
  async issue(name: string, { user, group }: ClusterIdentity, addresses: readonly string[] = []): Promise<Pair> {
    const subject = [
      ...(group === undefined ? [] : [{ name: 'organizationName', value: group }]),
      { name: 'commonName', value: user },
    ];
    const { cert, private: key } = await generate(subject, {
      ...OPTIONS,
      ca: { cert: this.#authority.cert, key: this.#authority.key },
      extensions: [
        { name: 'basicConstraints', cA: false },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', clientAuth: true, serverAuth: addresses.length > 0 },
        ...(addresses.length === 0
          ? []
          : [{ name: 'subjectAltName' as const, altNames: addresses.map((address) => alternativeName(address)) }]),
      ],
    });
    this.#write(name, { cert, key });
    return { cert, key };
  }

  /** Returns the text of a kubeconfig, and writes it to `NAME.kubeconfig`. */
  async kubeconfig(name: keyof typeof IDENTITIES, server: string, addresses: readonly string[] = []): Promise<string> {
    const { cert, key } = await this.issue(name, IDENTITIES[name], addresses);
    const encoded = (text: string) => Buffer.from(text).toString('base64');
    const text = `apiVersion: v1
kind: Config
clusters:
  - name: dais-test
    cluster:
      server: ${server}
      certificate-authority-data: ${encoded(this.#authority.cert)}
users:
  - name: ${name}
    user:
      client-certificate-data: ${encoded(cert)}
      client-key-data: ${encoded(key)}
contexts:
  - name: dais-test
    context:
      cluster: dais-test
      user: ${name}
current-context: dais-test
`;
    writeFileSync(this.path(`${name}.kubeconfig`), text, { mode: 0o600 });
    return text;
  }

  #write(name: string, { cert, key }: Pair): void {
    writeFileSync(this.path(`${name}.crt`), cert);
    writeFileSync(this.path(`${name}.key`), key, { mode: 0o600 });
  }
}

function alternativeName(address: string) {
  const isAddress = /^[\d.]+$/.test(address);
  return isAddress ? { type: 7 as const, ip: address } : { type: 2 as const, value: address };
}
