/**
 * Runs uv with a clean environment: without variables of the server and without the configuration of the user. It connects
 * through a proxy behind the outbound guard, because redirects and package metadata contain other addresses.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rootCertificates } from 'node:tls';
import { DaisError } from '@dais/api';
import { ForwardProxy } from '#lib/outbound/forward-proxy.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { listenForClient, type ProxyListener } from '#lib/outbound/proxy-listener.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import { run, type RunResult } from '#lib/process.ts';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import type { EnvironmentOptions } from '../contract.ts';
import { secretForms, splitCredentials } from '#lib/python-index/index-address.ts';
import { buildIsolated, type BuildLimits, type BuildContext } from './isolated-build.ts';
import { RunningPrograms } from './running-programs.ts';
import { uvFailure } from './uv-failure.ts';

export interface UvRunnerDependencies {
  readonly folder: string;
  readonly program: (options: EnvironmentOptions) => Promise<string>;
  /** PATH for interpreters and compilers. */
  readonly searchPath: string;
  readonly outbound: Pick<Outbound, 'route' | 'errorCodeOf'>;
  /** Addresses that the operator configured, which may be private. */
  readonly trusted: () => Promise<readonly string[]>;
  /** PEM file of additional certificate authorities. */
  readonly extraCa: string | undefined;
  readonly pythonMirror: string | undefined;
  readonly isolation: Isolation;
  readonly buildLimits: Partial<BuildLimits>;
}

export interface UvCall extends EnvironmentOptions {
  /** The operation for error messages: `Resolving the requirements`. */
  readonly doing: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Redacted from all output of uv. */
  readonly secrets?: readonly string[];
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30 * 60_000;
/** uv downloads and unpacks on every core, so more instances would only compete. */
const AT_ONCE = 2;
/** Length of the last output of a terminated build. */
const WORDS_OF_BUILD = 4096;
/** A lock of 300 packages with all their hashes is 600 kB. */
const MAX_OUTPUT = 16 * 2 ** 20;

export class UvRunner {
  readonly #dependencies: UvRunnerDependencies;
  readonly #slots = new Semaphore(AT_ONCE);
  readonly #running: RunningPrograms;
  readonly #proxy: ForwardProxy;
  /** Credentials of the mirror, whose URL uv prints when it does not respond. */
  readonly #secrets: readonly string[];
  #calls = 0;
  #base: Promise<Readonly<Record<string, string>>> | undefined;

  constructor(dependencies: UvRunnerDependencies) {
    this.#dependencies = dependencies;
    this.#proxy = new ForwardProxy(dependencies.outbound);
    this.#secrets = [dependencies.pythonMirror].flatMap((address) => {
      const known = address === undefined || !URL.canParse(address) ? undefined : splitCredentials(address).credentials;
      return known === undefined ? [] : secretForms(known);
    });
    this.#running = new RunningPrograms(path.join(dependencies.folder, 'running'));
  }

  /** Returns whether no call of this process is active, so that exclusive use of the cache need not wait. */
  get idle(): boolean {
    return this.#calls === 0;
  }

  /** Returns the standard output of uv. @throws DaisError with the message of uv; the reason of the signal. */
  async run(args: readonly string[], call: UvCall): Promise<string> {
    this.#calls += 1;
    try {
      return await this.#run(args, call);
    } finally {
      this.#calls -= 1;
    }
  }

  /**
   * Like `run`, in isolation, for calls that execute code of packages: uv has a private cache, and reaches the hosts of `place`
   * only. Its output in `place.venv` is not trusted. @throws as `run`; DaisError with the limit that the build exceeded.
   */
  async runIsolated(args: readonly string[], context: BuildContext, call: UvCall): Promise<string> {
    this.#calls += 1;
    try {
      const { isolation, folder, searchPath, buildLimits } = this.#dependencies;
      const [program, base, trusted] = await Promise.all([
        this.#dependencies.program(call),
        this.#baseOnce(),
        this.#dependencies.trusted(),
      ]);
      const redact = this.#redactor(call);
      const refusals = new Set<string>();
      const command = [program, '--no-config', '--color', 'never', ...args];
      const own = trusted.flatMap(hostOf);
      const result = await this.#slots.run(
        async () =>
          await buildIsolated({
            isolation,
            limits: buildLimits,
            folder: path.join(folder, 'builds'),
            pythons: path.join(folder, 'pythons'),
            command,
            context,
            variables: { ...base, ...call.variables },
            path: searchPath,
            accept: (socket) =>
              this.#proxy.accept(socket, {
                trusted: own,
                only: [...own, ...context.addresses.flatMap(hostOf)],
                onFailure: ({ code, message }) => void (code === 'address_refused' && refusals.add(message)),
              }),
            signal: call.signal,
            onErrorLine: (line) => this.#note(redact(line), call),
          }),
        call.signal,
      );
      call.signal?.throwIfAborted();
      if (result.ended !== undefined) {
        const words = redact(result.stderr).trim().slice(-WORDS_OF_BUILD);
        const refused = [...refusals].slice(0, 5).map((one) => `\n${one}`);
        const text = `${call.doing} failed: ${result.ended}.${refused.join('')}\nuv reported:\n${words}`;
        throw new DaisError('invalid_request', text);
      }
      return this.#outputOf(result, call, { program, redact, refusals });
    } finally {
      this.#calls -= 1;
    }
  }

  async #run(args: readonly string[], call: UvCall): Promise<string> {
    const refusals = new Set<string>();
    const listener = await listenForClient(this.#proxy, {
      trusted: (await this.#dependencies.trusted()).flatMap(hostOf),
      onFailure: ({ code, message }) => void (code === 'address_refused' && refusals.add(message)),
    });
    try {
      return await this.#start(args, call, listener, refusals);
    } finally {
      listener.close();
    }
  }

  async #start(
    args: readonly string[],
    call: UvCall,
    { url, token }: ProxyListener,
    refusals: ReadonlySet<string>,
  ): Promise<string> {
    const program = await this.#dependencies.program(call);
    const base = await this.#baseOnce();
    const { signal } = call;
    const redact = this.#redactor(call, token);
    await this.#running.endLeftBehind();
    let leave = () => {};
    const result = await this.#slots.run(
      async () =>
        await run(program, ['--no-config', '--color', 'never', ...args], {
          cwd: path.join(this.#dependencies.folder, 'home'),
          env: { ...base, HTTP_PROXY: url, HTTPS_PROXY: url, ALL_PROXY: url, ...call.variables },
          group: true,
          onStart: (pid) => (leave = this.#running.enter(pid)),
          timeoutMs: call.timeoutMs ?? TIMEOUT_MS,
          maxOutputBytes: MAX_OUTPUT,
          ...(signal !== undefined && { signal }),
          onErrorLine: (line) => this.#note(redact(line), call),
        }),
      signal,
    );
    leave();
    signal?.throwIfAborted();
    return this.#outputOf(result, call, { program, redact, refusals });
  }

  #outputOf(
    result: RunResult,
    { doing }: UvCall,
    about: {
      readonly program: string;
      readonly redact: (text: string) => string;
      readonly refusals: ReadonlySet<string>;
    },
  ): string {
    if (result.code === 0) return result.stdout.toString('utf8');
    const { program, redact, refusals } = about;
    if (result.code === 127) {
      throw new DaisError('invalid_config', `could not start uv (${program}): ${result.stderr.slice(0, 500)}`);
    }
    throw uvFailure(doing, result, { redact, refusals: [...refusals] });
  }

  #redactor({ secrets: given = [] }: UvCall, ...more: readonly string[]): (text: string) => string {
    const secrets = [...this.#secrets, ...more, ...given];
    return (text) => secrets.reduce((all, secret) => all.replaceAll(secret, '***'), text);
  }

  #note(line: string, { progress }: UvCall): void {
    const note = progressNote(line);
    if (note !== undefined) progress?.({ note });
  }

  async #baseOnce(): Promise<Readonly<Record<string, string>>> {
    return await (this.#base ??= this.#baseVariables().catch((error: unknown) => {
      this.#base = undefined;
      throw error;
    }));
  }

  async #baseVariables(): Promise<Readonly<Record<string, string>>> {
    const { folder, searchPath, pythonMirror } = this.#dependencies;
    const home = path.join(folder, 'home');
    await mkdir(home, { recursive: true, mode: 0o700 });
    const authorities = await this.#authorities();
    return {
      PATH: searchPath,
      // A private home: no netrc, no settings and no keyring of the server's user.
      HOME: home,
      LANG: 'C.UTF-8',
      UV_CACHE_DIR: path.join(folder, 'cache'),
      UV_PYTHON_INSTALL_DIR: path.join(folder, 'pythons'),
      UV_PYTHON_DOWNLOADS: 'manual',
      UV_LINK_MODE: 'hardlink',
      UV_HTTP_TIMEOUT: '60',
      ...(pythonMirror !== undefined && { UV_PYTHON_INSTALL_MIRROR: pythonMirror }),
      ...(authorities !== undefined && { SSL_CERT_FILE: authorities }),
    };
  }

  /** uv replaces its bundle with this one, so it must contain the well-known authorities. */
  async #authorities(): Promise<string | undefined> {
    const { extraCa, folder } = this.#dependencies;
    if (extraCa === undefined) return undefined;
    const own = await readFile(extraCa, 'utf8');
    const file = path.join(folder, 'authorities.pem');
    await writeFile(`${file}.${process.pid}`, `${rootCertificates.join('\n')}\n${own}`);
    await rename(`${file}.${process.pid}`, file);
    return file;
  }
}

/** Returns host and port of a URL; nothing for a folder. */
function hostOf(address: string): readonly { readonly host: string; readonly port: number }[] {
  if (!URL.canParse(address)) return [];
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'http:' && protocol !== 'https:') return [];
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return [{ host, port: Number(port || (protocol === 'https:' ? 443 : 80)) }];
}

/** Returns a progress note for a line of uv. */
export function progressNote(line: string): string | undefined {
  const words = line.trim();
  if (/^(Downloading|Building|Updating|Installing) \S/.test(words)) return words[0]!.toLowerCase() + words.slice(1);
  return /^(Resolved|Prepared|Installed|Downloaded|Built) \S/.test(words)
    ? words[0]!.toLowerCase() + words.slice(1).replace(/ in [\d.]+m?s$/, '')
    : undefined;
}
