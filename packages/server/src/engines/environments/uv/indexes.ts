/** The indexes of uv, with their order and credentials. */
import { DaisError } from '@dais/api';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { EnvironmentOptions, PythonSpec } from '../contract.ts';
import {
  anyFileOnPage,
  indexUrl,
  secretForms,
  splitCredentials,
  type IndexAddress,
} from '#lib/python-index/index-address.ts';
import { indexOfPip, indexOfPython } from '#lib/python-index/machine-index.ts';

/** Maximum size of the page of one package. */
const PAGE_BYTES = 16 * 1024 * 1024;
/** Number of package pages that are read to find the file server of an index. */
const SAMPLED_PACKAGES = 3;

export interface IndexDependencies {
  /** Index of the operator; may contain credentials. */
  readonly index?: string | undefined;
  readonly wheelhouse?: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly searchPath: string;
  readonly outbound: Outbound;
}

export interface IndexArguments {
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** Secrets to redact from the output of uv. */
  readonly secrets: readonly string[];
}

export class Indexes {
  readonly #dependencies: IndexDependencies;
  #ofMachine: Promise<IndexAddress | undefined> | undefined;
  #ofPython: Promise<readonly string[]> | undefined;

  constructor(dependencies: IndexDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Checks that URLs of a spec do not point into the network of the server.
   * @param urls of single packages
   * @throws DaisError `invalid_request`, `address_refused`.
   */
  async check({ indexes }: PythonSpec, urls: readonly (string | undefined)[]): Promise<void> {
    const own = await this.#own();
    for (const { url } of indexes) {
      if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
        throw new DaisError('invalid_request', `“${url.slice(0, 200)}” is not the URL of an index; write https://….`);
      }
      const { username, password } = new URL(url);
      if (username !== '' || password !== '') {
        throw new DaisError('invalid_request', 'The URL of an index contains credentials. Set them separately.');
      }
      if (indexUrl(url) !== own?.url) await this.#dependencies.outbound.check(url);
    }
    for (const url of new Set(urls)) if (url !== undefined) await this.#dependencies.outbound.check(url);
  }

  /** Indexes of the spec first, then the operator's. Credentials are passed in variables, which uv never prints. */
  async arguments({ indexes }: PythonSpec, { credentials = [] }: EnvironmentOptions): Promise<IndexArguments> {
    const { wheelhouse } = this.#dependencies;
    const own = await this.#own();
    const args: string[] = [];
    const variables: Record<string, string> = {};
    const secrets: string[] = [];
    const add = (option: string, name: string, { url, credentials: known }: IndexAddress) => {
      args.push(option, `${name}=${url}`);
      if (known === undefined) return;
      variables[`UV_INDEX_${name.toUpperCase()}_USERNAME`] = known.user;
      variables[`UV_INDEX_${name.toUpperCase()}_PASSWORD`] = known.password;
      secrets.push(...secretForms(known));
    };
    // With a wheelhouse instead of an index, uv must not use its default index.
    const closed = wheelhouse !== undefined && own === undefined;
    for (const [number, { url }] of indexes.entries()) {
      const given = credentials.find((one) => indexUrl(one.url) === indexUrl(url));
      const last = closed && number === indexes.length - 1;
      const address = { url: indexUrl(url), ...(given !== undefined && { credentials: given }) };
      add(last ? '--default-index' : '--index', `dais${number}`, address);
    }
    if (own !== undefined) add('--default-index', 'daisdefault', own);
    if (wheelhouse !== undefined) args.push('--find-links', wheelhouse);
    if (closed && indexes.length === 0) args.push('--no-index');
    return { args, variables, secrets };
  }

  /** The index for uv itself. */
  async forUv(): Promise<IndexAddress | undefined> {
    const own = await this.#own();
    if (own !== undefined || this.#dependencies.wheelhouse !== undefined) return own;
    const url = await indexOfPython(this.#dependencies.searchPath);
    return url === undefined ? undefined : { url };
  }

  /**
   * Returns the addresses that the operator configured, not a user: the configured index, else the default index and its file
   * server. They may resolve to private addresses, like internal mirrors.
   */
  async trusted(): Promise<readonly string[]> {
    const own = await this.#own();
    if (own !== undefined) return [own.url];
    if (this.#dependencies.wheelhouse !== undefined) return [];
    this.#ofPython ??= this.#defaultAddresses().catch(() => []);
    const found = await this.#ofPython;
    // The network may be available the next time.
    if (found.length < 2) this.#ofPython = undefined;
    return found;
  }

  /** Returns whether the index of the operator needs credentials. */
  async hasCredentials(): Promise<boolean> {
    return (await this.#own())?.credentials !== undefined;
  }

  /**
   * Returns all addresses that an installation of these requirements connects to: indexes, their file servers, single packages.
   */
  async hosts({ indexes }: PythonSpec, requirements: readonly string[]): Promise<readonly string[]> {
    const own = await this.#own();
    const urls = requirements.flatMap((text) => /\bhttps?:\/\/[^\s;#]+/.exec(text)?.[0] ?? []);
    const names = requirements.slice(0, SAMPLED_PACKAGES).flatMap((text) => /^[A-Za-z0-9._-]+/.exec(text)?.[0] ?? []);
    const requested = [...indexes.map(({ url }) => indexUrl(url)), ...(own === undefined ? [] : [own.url])];
    const files = await Promise.all(
      requested.map(async (url) => await this.#fileServer(url, [...names, 'pip'], own?.url === url)),
    );
    return [...(await this.trusted()), ...requested, ...urls, ...files.flatMap((url) => url ?? [])];
  }

  /** Undefined when no page of the index contains one. */
  async #fileServer(index: string, names: readonly string[], trusted: boolean): Promise<string | undefined> {
    for (const name of names) {
      const page = `${index}/${name.toLowerCase().replaceAll(/[._-]+/g, '-')}/`;
      const response = await this.#page(page, trusted);
      const file = response === undefined ? undefined : anyFileOnPage(page, response.type, response.text);
      if (file !== undefined) return new URL(file).origin;
    }
    return undefined;
  }

  async #page(url: string, trusted: boolean): Promise<{ readonly type: string; readonly text: string } | undefined> {
    const accept = 'application/vnd.pypi.simple.v1+json, text/html;q=0.5';
    const answer = await this.#dependencies.outbound
      .send({ url, headers: { accept }, redirects: 5, trusted, maxBytes: PAGE_BYTES })
      .catch(() => undefined);
    if (answer?.status !== 200) return undefined;
    return { type: answer.headers['content-type'] ?? '', text: answer.body.toString('utf8') };
  }

  async #defaultAddresses(): Promise<readonly string[]> {
    const url = await indexOfPython(this.#dependencies.searchPath);
    if (url === undefined) return [];
    const files = await this.#fileServer(url, ['pip'], true);
    return files === undefined ? [url] : [url, files];
  }

  /** The index of the operator, or of pip on the machine; undefined: the default of uv. */
  async #own(): Promise<IndexAddress | undefined> {
    const { index, wheelhouse, environment } = this.#dependencies;
    if (index !== undefined) return splitCredentials(index);
    if (wheelhouse !== undefined) return undefined;
    this.#ofMachine ??= indexOfPip(environment['HOME']).then((url) =>
      url === undefined ? undefined : splitCredentials(url),
    );
    return await this.#ofMachine;
  }
}
