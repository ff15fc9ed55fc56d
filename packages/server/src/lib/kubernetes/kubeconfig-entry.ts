/** Typed access to the fields of one entry of a kubeconfig. Errors name the entry and the field, never a value. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ClientCertificate, FailConfig, FileReader } from './cluster-config.ts';
import { isRecord } from './kubernetes-object.ts';

export interface EntryOptions {
  readonly fail: FailConfig;
  /** Absent: the kubeconfig may not refer to files. */
  readonly readFile?: FileReader;
}

export class KubeconfigEntry {
  /** `user "admin"`; empty for the whole document. */
  readonly #label: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #options: EntryOptions;

  constructor(label: string, value: unknown, options: EntryOptions) {
    this.#label = label;
    this.#options = options;
    if (!isRecord(value)) {
      throw options.fail(`The kubeconfig is not valid: ${label || 'the document'} is not a mapping of fields.`);
    }
    this.#fields = value;
  }

  error(problem: string, cause?: unknown): Error {
    return this.#options.fail(`The kubeconfig is not valid: ${this.#prefix}${problem}`, cause);
  }

  get #prefix(): string {
    return this.#label === '' ? '' : `${this.#label}: `;
  }

  /** Undefined if the field is absent, null or empty: `kubectl config set` writes empty texts. */
  value(name: string): unknown {
    // Own fields only: a kubeconfig without `constructor` has none.
    const value = Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
    return value === null || value === '' ? undefined : value;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value !== undefined && typeof value !== 'string') {
      throw this.error(`\`${name}\` is not a text. Write it in quotes.`);
    }
    return value;
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (value !== undefined && typeof value !== 'boolean') throw this.error(`\`${name}\` must be true or false.`);
    return value ?? false;
  }

  list(name: string): readonly unknown[] {
    const value = this.value(name);
    if (value !== undefined && !Array.isArray(value)) throw this.error(`\`${name}\` is not a list.`);
    return value ?? [];
  }

  /** Undefined if the entry has none. */
  entry(name: string): KubeconfigEntry | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new KubeconfigEntry(`${this.#prefix}${name}`, value, this.#options);
  }

  /** Items of a list as entries: `contexts[2]`. */
  items(name: string): readonly KubeconfigEntry[] {
    return this.list(name).map(
      (item, index) => new KubeconfigEntry(`${this.#prefix}${name}[${index}]`, item, this.#options),
    );
  }

  /** The same entry under another name in errors. */
  labeled(label: string): KubeconfigEntry {
    return new KubeconfigEntry(label, this.#fields, this.#options);
  }

  /** PEM text of `NAME-data` (base64) or of the file `NAME`. */
  async pem(name: string): Promise<string | undefined> {
    const data = this.text(`${name}-data`);
    const path = this.text(name);
    if (data !== undefined && path !== undefined) {
      throw this.error(`\`${name}\` and \`${name}-data\` are both set. Remove one of them.`);
    }
    if (data !== undefined) return this.#decode(`${name}-data`, data);
    return path === undefined ? undefined : await this.fileReader(name, `${name}-data`)(path);
  }

  /** Reads files that `name` refers to. @throws if the kubeconfig may not refer to files. */
  fileReader(name: string, instead: string): FileReader {
    const { readFile } = this.#options;
    if (readFile === undefined) {
      const remedy = `Write its content into \`${instead}\`: \`kubectl config view --flatten --raw\` does that.`;
      throw this.error(`\`${name}\` refers to a file, which only a kubeconfig on the server may do. ${remedy}`);
    }
    return async (path) => {
      try {
        return await readFile(path);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
        throw this.error(`the file of \`${name}\` cannot be read (${code}). Check its path and permissions.`, error);
      }
    };
  }

  async authority(name: string): Promise<string | undefined> {
    const pem = await this.pem(name);
    if (pem !== undefined) this.#readCertificates(name, pem);
    return pem;
  }

  async clientCertificate(): Promise<ClientCertificate | undefined> {
    const cert = await this.pem('client-certificate');
    const key = await this.pem('client-key');
    if (cert === undefined && key === undefined) return undefined;
    if (cert === undefined || key === undefined) {
      const [present, missing] = cert === undefined ? ['key', 'certificate'] : ['certificate', 'key'];
      throw this.error(`it has a client ${present} and no client ${missing}. Add \`client-${missing}-data\`.`);
    }
    const [first] = this.#readCertificates('client-certificate', cert);
    if (first?.checkPrivateKey(this.#readKey(key)) !== true) {
      throw this.error('`client-key` does not belong to `client-certificate`. Use the key of this certificate.');
    }
    return { cert, key };
  }

  #decode(name: string, text: string): string {
    const compact = text.replace(/\s+/g, '');
    if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) {
      throw this.error(`\`${name}\` is not valid base64. Write the output of \`base64 -w0 FILE\`.`);
    }
    return Buffer.from(compact, 'base64').toString('utf8');
  }

  #readCertificates(name: string, pem: string): readonly X509Certificate[] {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (blocks.length === 0) throw this.error(`\`${name}\` contains no PEM certificate. Copy the complete file.`);
    try {
      return blocks.map((block) => new X509Certificate(block));
    } catch (cause) {
      throw this.error(`\`${name}\` contains a certificate that cannot be read. Copy the complete file.`, cause);
    }
  }

  #readKey(pem: string) {
    try {
      return createPrivateKey(pem);
    } catch (cause) {
      // Also the case of a key with a passphrase, for which a kubeconfig has no field.
      throw this.error('`client-key` is not a PEM private key without a passphrase. Write one.', cause);
    }
  }
}
