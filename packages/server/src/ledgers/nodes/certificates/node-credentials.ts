/** The certificate of this node, from its first connection to another node on. Its private key is in memory only. */
import { CERTIFICATE_MS, type NodeTls } from '#lib/node-tls/certificates.ts';
import type { Log } from '#lib/log.ts';
import { issueNodeTls, type AuthorityDependencies, type IssuedTls } from './authority.ts';
import type { Generations } from './authority-rows.ts';

export interface CredentialsDependencies extends AuthorityDependencies {
  /** Undefined before the node is registered. */
  readonly node: () => string | undefined;
  /** Names and addresses at which other nodes reach this one. */
  readonly hosts: readonly string[];
  readonly log: Log;
}

/** A certificate is renewed after two thirds of its validity, so that a database or key store can be away for 8 hours. */
const RENEW_MS = (CERTIFICATE_MS * 2) / 3;

/** The key store can be another server that is away. */
const RETRY_MS = 10_000;

export class NodeCredentials {
  readonly #dependencies: CredentialsDependencies;
  readonly #listeners: ((tls: NodeTls) => void)[] = [];
  #failedAt = -Infinity;
  #issued: IssuedTls | undefined;
  #issuing: Promise<IssuedTls> | undefined;

  constructor(dependencies: CredentialsDependencies) {
    this.#dependencies = dependencies;
  }

  /** The newest generation of the authority that this node trusts; undefined while it needs no certificate. */
  get trusted(): number | undefined {
    return this.#issued?.trusted;
  }

  /** Calls `changed` with each new certificate. */
  listen(changed: (tls: NodeTls) => void): void {
    this.#listeners.push(changed);
  }

  /** Returns the current certificate; the first call gets one. @throws DaisError `keys_unavailable`, `database_unavailable`. */
  async get(): Promise<NodeTls> {
    return (this.#issued ?? (await this.#issue())).tls;
  }

  /**
   * Follows what the database contains: gets another certificate when this one is due or the authority changed, and then calls
   * `done`.
   */
  async follow({ newest, signing }: Generations, done: () => void): Promise<void> {
    const current = this.#issued;
    if (current === undefined) return;
    if (this.#issuing !== undefined) {
      await this.#issuing.catch(() => {});
      return;
    }
    const { clock, node, log } = this.#dependencies;
    const now = clock.now();
    const isDue = now - current.issuedAt >= RENEW_MS;
    if (!isDue && current.node === node() && current.trusted === newest && current.signedBy === signing) return;
    if (now - this.#failedAt < RETRY_MS) return;
    try {
      const { tls, signedBy } = await this.#issue();
      for (const changed of this.#listeners) changed(tls);
      log.info('the certificate for other nodes was renewed', { generation: signedBy });
      done();
    } catch (error) {
      this.#failedAt = clock.now();
      log.warn('the certificate for other nodes cannot be renewed', { error });
    }
  }

  async #issue(): Promise<IssuedTls> {
    this.#issuing ??= this.#make().finally(() => (this.#issuing = undefined));
    return await this.#issuing;
  }

  async #make(): Promise<IssuedTls> {
    const node = this.#dependencies.node();
    if (node === undefined) throw new Error('this node is not registered');
    return (this.#issued = await issueNodeTls(this.#dependencies, { node, hosts: this.#dependencies.hosts }));
  }
}
