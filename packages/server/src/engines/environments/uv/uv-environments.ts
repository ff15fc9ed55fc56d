/** The environments engine with uv: Python versions and packages on the local disk. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { DaisError } from '@dais/api';
import type { Log } from '#lib/log.ts';
import { isolationRefusal, type Isolation } from '#engines/isolation/contract.ts';
import { sharedIsolation } from '#engines/isolation/open-isolation.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { run } from '#lib/process.ts';
import type {
  BuiltEnvironment,
  EnvironmentLock,
  EnvironmentOptions,
  Environments,
  EnvironmentSpec,
  PythonSpec,
} from '../contract.ts';
import { readRequirements } from '../requirement-lines.ts';
import { isSystemLock, systemEnvironment, systemLock } from '../system-environment.ts';
import { BuiltStore, makeReadOnly, type Marker } from '../built-store.ts';
import { Indexes } from './indexes.ts';
import { findInterpreter, isUnchanged, type Interpreter } from './interpreters.ts';
import { joinPins, lockDigest, readLock, readPins, writeLock, type LockContent } from './lock-text.ts';
import { storageFailure } from '../storage-failure.ts';
import { checkIdentity, checkTree, identityOf } from './build-area.ts';
import { ownerOf, type BuildLimits, type BuildContext } from './isolated-build.ts';
import { needsBuild } from './uv-failure.ts';
import { findUv } from './uv-program.ts';
import { uvRelease, type UvRelease } from './uv-release.ts';
import { UvRunner, type UvCall } from './uv-runner.ts';

/**
 * `never`. `isolated`: in isolation only, and not with an index of the operator that needs credentials, which a build could
 * read. `any`: in isolation where possible, else with the permissions of this process.
 */
export type SourceBuilds = 'never' | 'isolated' | 'any';

export interface UvOptions {
  /** Folder of all data; may be removed while nothing runs. */
  readonly folder: string;
  /** Disk usage in bytes beyond which the least recently used environment is removed. */
  readonly maxBytes: number;
  /** Path of the operator's uv. */
  readonly uv?: string | undefined;
  /** May contain credentials. */
  readonly index?: string | undefined;
  readonly pythonMirror?: string | undefined;
  readonly wheelhouse?: string | undefined;
  /** Policy for packages without a wheel, whose build runs their code. */
  readonly sourceBuilds: SourceBuilds;
  /** Default: one for this process, with the programs of the machine. */
  readonly isolation?: Isolation;
  /** Limits of an isolated build; default: those of the engine. */
  readonly buildLimits?: Partial<BuildLimits>;
  readonly extraCa?: string | undefined;
  readonly outbound: Outbound;
  /** PATH and HOME of the server, to find Python versions, compilers and the configuration of pip. */
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
  readonly log: Log;
  /** Default: the pinned one. */
  readonly release?: UvRelease;
}

/** Finding Python versions starts each one on the PATH, which takes seconds with shims. */
const INTERPRETER_MS = 600_000;

/** Does nothing until its first call. */
export function openUvEnvironments(options: UvOptions): Environments {
  return new UvEnvironments(options);
}

interface Venv extends Marker {
  readonly interpreter: Interpreter;
}

class UvEnvironments implements Environments {
  readonly #options: UvOptions;
  readonly #searchPath: string;
  readonly #indexes: Indexes;
  readonly #uv: UvRunner;
  readonly #isolation: Isolation;
  readonly #store: BuiltStore<Venv>;
  readonly #interpreters = new Map<string, { readonly interpreter: Interpreter; readonly at: number }>();

  constructor(options: UvOptions) {
    this.#options = options;
    const { folder, uv, wheelhouse, pythonMirror, outbound, environment, release = uvRelease } = options;
    const searchPath = environment['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
    this.#searchPath = searchPath;
    this.#indexes = new Indexes({ ...options, searchPath });
    const index = async () => await this.#indexes.forUv();
    const program = { folder, uv, wheelhouse, index, outbound, release };
    this.#isolation = options.isolation ?? sharedIsolation();
    this.#uv = new UvRunner({
      folder,
      program: async (call) => await findUv(program, call),
      searchPath,
      outbound,
      trusted: async () => [...(await this.#indexes.trusted()), ...(pythonMirror === undefined ? [] : [pythonMirror])],
      extraCa: options.extraCa,
      pythonMirror,
      isolation: this.#isolation,
      buildLimits: options.buildLimits ?? {},
    });
    this.#store = new BuiltStore(folder, options.now);
  }

  async lock(spec: EnvironmentSpec, options: EnvironmentOptions = {}): Promise<EnvironmentLock> {
    return await this.#lock(spec, options).catch((error: unknown) => {
      throw storageFailure(error, this.#options.folder);
    });
  }

  async build(lock: EnvironmentLock, options: EnvironmentOptions = {}): Promise<BuiltEnvironment> {
    return await this.#build(lock, options).catch((error: unknown) => {
      throw storageFailure(error, this.#options.folder);
    });
  }

  async problem(type: EnvironmentSpec['type']): Promise<string | undefined> {
    return await Promise.resolve(type === 'image' ? 'This installation does not run images.' : undefined);
  }

  async list(): ReturnType<Environments['list']> {
    return (await this.#store.list()).map(({ digest, bytes, lastUsedAt }) => ({ digest, bytes, lastUsedAt }));
  }

  async evict(keepBytes: number): Promise<number> {
    await this.#store.sweep();
    const kept = await this.#store.list();
    // The most recent first, so that each of the others counts only what its removal would free.
    const folders = kept.toReversed().map((one) => this.#store.folderOf(one));
    const sizes = await this.#store.measure([...folders, this.#store.cache]);
    let total = sizes.reduce((sum, size) => sum + size, 0);
    let freed = 0;
    const cached = sizes.at(-1) ?? 0;
    if (total > keepBytes && cached > 0 && (await this.#emptyCache())) {
      total -= cached;
      freed += cached;
    }
    for (const [index, { digest }] of kept.entries()) {
      if (total <= keepBytes) break;
      if (!(await this.#store.remove(digest))) continue;
      const size = sizes[kept.length - 1 - index] ?? 0;
      total -= size;
      freed += size;
    }
    return freed;
  }

  async #lock(spec: EnvironmentSpec, options: EnvironmentOptions): Promise<EnvironmentLock> {
    options.signal?.throwIfAborted();
    if (spec.type === 'system') return systemLock;
    if (spec.type === 'image') throw noImages();
    const [requested, bare] = await this.#checked(spec);
    options.progress?.({ note: 'finding Python' });
    const interpreter = await this.#interpreter(spec.version, options);
    options.progress?.({ note: 'resolving' });
    const resolved = await this.#pins(spec, requested, interpreter, options);
    const alone = await this.#pins({ ...spec, isAlone: true }, bare, interpreter, options);
    const pins = joinPins(resolved, alone);
    const { version, platform } = interpreter;
    const text = writeLock(version, platform, pins);
    return { digest: lockDigest(readLock(text)), spec, text };
  }

  async #build(lock: EnvironmentLock, options: EnvironmentOptions): Promise<BuiltEnvironment> {
    options.signal?.throwIfAborted();
    const { spec } = lock;
    if (spec.type === 'system' || isSystemLock(lock)) return systemEnvironment();
    if (spec.type === 'image') throw noImages();
    const content = readLock(lock.text);
    await this.#indexes.check(
      spec,
      content.requirements.map(({ url }) => url),
    );
    if (lockDigest(content) !== lock.digest) {
      throw new DaisError(
        'invalid_request',
        `The text of the lock does not match its digest ${lock.digest.slice(0, 80)}.`,
      );
    }
    let made = false;
    const built = await this.#store.locked(
      lock.digest,
      async () => {
        let marker = await this.#store.read(lock.digest);
        if (marker === undefined || !(await isUnchanged(marker.interpreter))) {
          marker = await this.#make(lock, spec, content, options);
          made = true;
        }
        return { marker, release: await this.#store.hold(marker) };
      },
      {
        ...(options.signal !== undefined && { signal: options.signal }),
        waiting: () => options.progress?.({ note: 'waiting for another build of the same environment' }),
      },
    );
    if (made) await this.#tidy();
    const folder = this.#store.folderOf(built.marker);
    return {
      digest: lock.digest,
      folders: [folder, this.#pythonFolder(built.marker.interpreter)],
      path: [path.join(folder, 'bin')],
      variables: {
        VIRTUAL_ENV: folder,
        PYTHONNOUSERSITE: '1',
        // Disables telemetry of packages: https://consoledonottrack.com, which MLflow follows, and onnxruntime.
        DO_NOT_TRACK: '1',
        ORT_DISABLE_TELEMETRY: '1',
      },
      release: built.release,
    };
  }

  /** Checks every line and URL of a spec before any request. */
  async #checked(spec: PythonSpec): Promise<readonly [requested: readonly string[], bare: readonly string[]]> {
    const { requirements, lock, bare = [] } = spec;
    if (lock !== undefined && requirements.length + bare.length > 0) {
      throw new DaisError('invalid_request', 'A spec has requirements or a lock, not both.');
    }
    if (lock !== undefined) {
      const pins = readPins(lock);
      await this.#indexes.check(
        spec,
        pins.map(({ url }) => url),
      );
      return [pins.map(({ text }) => text), []];
    }
    const linesOf = (given: readonly string[]) =>
      given.map((line) => line.replace(/(^|\s)#[^\r\n]*$/, '').trim()).filter((line) => line !== '');
    const requested = readRequirements(linesOf(requirements), 'requirements');
    const alone = readRequirements(linesOf(bare), 'bare');
    const issues = [...requested.issues, ...alone.issues];
    if (issues.length > 0) {
      const detail = issues.slice(0, 5).map(({ message }) => message);
      throw new DaisError('invalid_request', `Requirements that are not allowed: ${detail.join('; ')}.`, {
        issues: issues.slice(0, 100),
      });
    }
    await this.#indexes.check(
      spec,
      [...requested.requirements, ...alone.requirements].map(({ url }) => url),
    );
    return [requested.requirements.map(({ text }) => text), alone.requirements.map(({ text }) => text)];
  }

  async #pins(
    spec: PythonSpec & { readonly isAlone?: true },
    requested: readonly string[],
    interpreter: Interpreter,
    options: EnvironmentOptions,
  ): Promise<string> {
    if (requested.length === 0) return '';
    if (spec.lock !== undefined && requested.every((line) => line.includes(' --hash='))) return requested.join('\n');
    const file = await this.#temporary('requirements', requested.join('\n'));
    try {
      const index = await this.#indexes.arguments(spec, options);
      const compile = [
        'pip',
        'compile',
        '--quiet',
        '--no-header',
        '--no-progress',
        '--generate-hashes',
        '--no-strip-extras',
      ];
      const pinsOnly = spec.lock === undefined && spec.isAlone !== true ? [] : ['--no-deps'];
      const text = await this.#installing(
        [...compile, ...pinsOnly, '--python', interpreter.executable, ...index.args],
        file,
        { ...options, doing: 'Resolving the requirements', variables: index.variables, secrets: index.secrets },
        async () => ({
          owner: ownerOf(requested.join('\n')),
          readable: this.#readableFor(interpreter, file),
          addresses: await this.#indexes.hosts(spec, requested),
        }),
      );
      // Comments contain the file name, which is not useful.
      return text
        .replaceAll(/^\s*# via -r .*\n/gm, '')
        .replaceAll(/^(\s*#\s+)-r \S+\/requirements-\S+$/gm, '$1the requirements');
    } finally {
      await rm(file, { force: true });
    }
  }

  async #make(
    { digest, text }: EnvironmentLock,
    spec: PythonSpec,
    content: LockContent,
    options: EnvironmentOptions,
  ): Promise<Venv> {
    const interpreter = await this.#interpreter(content.python, options);
    if (interpreter.platform !== content.platform) {
      throw new DaisError(
        'invalid_request',
        `The lock is for ${content.platform} and this machine is ${interpreter.platform}. Create a new lock on this platform.`,
      );
    }
    options.progress?.({ note: `creating an environment of ${content.requirements.length} packages` });
    const name = await this.#store.begin(digest);
    const folder = this.#store.folderOf({ folder: name });
    const file = await this.#temporary('lock', text);
    try {
      const { executable } = interpreter;
      await this.#uv.run(['venv', '--quiet', '--no-project', '--python', executable, folder], {
        ...options,
        doing: 'Creating the environment',
      });
      const identity = await identityOf(folder);
      const index = await this.#indexes.arguments(spec, options);
      const sync = [
        'pip',
        'sync',
        '--require-hashes',
        '--allow-empty-requirements',
        '--python',
        path.join(folder, 'bin/python'),
      ];
      await this.#installing(
        [...sync, ...index.args],
        file,
        { ...options, doing: 'Installing the packages', variables: index.variables, secrets: index.secrets },
        async () => ({
          owner: ownerOf(text),
          readable: this.#readableFor(interpreter, file),
          venv: folder,
          addresses: await this.#indexes.hosts(
            spec,
            content.requirements.map((one) => one.text),
          ),
        }),
      );
      await checkIdentity(folder, identity);
      await checkTree(folder, [interpreter.executable]);
      options.progress?.({ note: 'compiling' });
      await this.#compile(interpreter, folder, options);
      await makeReadOnly(folder);
      const [bytes = 0] = await this.#store.measure([folder]);
      const marker = { digest, folder: name, bytes, interpreter };
      options.signal?.throwIfAborted();
      await this.#store.publish(marker);
      return marker;
    } catch (error) {
      await this.#store.discard(name).catch(() => {});
      throw error;
    } finally {
      await rm(file, { force: true });
    }
  }

  /**
   * Compiles bytecode, because the environment is read-only later. The interpreter runs without its site, so that no package
   * code runs (uv would start the environment's Python). Files that cannot be compiled are ignored: packages contain templates.
   * Tests of packages are skipped, which are more than half of the usual files: 7 s of CPU instead of 17 for pandas and
   * scikit-learn, of which each start of Python would take 5.
   */
  async #compile({ executable }: Interpreter, folder: string, { signal }: EnvironmentOptions): Promise<void> {
    const compile = ['-m', 'compileall', '-q', '-j', '0', '-x', '/tests?/', '--invalidation-mode', 'unchecked-hash'];
    await run(executable, ['-I', '-S', ...compile, path.join(folder, 'lib')], {
      env: { PATH: this.#searchPath },
      group: true,
      timeoutMs: 1_800_000,
      ...(signal !== undefined && { signal }),
    });
    signal?.throwIfAborted();
  }

  async #tidy(): Promise<void> {
    try {
      await this.evict(this.#options.maxBytes);
    } catch (error) {
      // The environment is usable anyway; the next build retries.
      this.#options.log.warn('could not remove unused environments', { error });
    }
  }

  async #emptyCache(): Promise<boolean> {
    // Another build needs it now, and cleans up when it ends.
    if (!this.#uv.idle) return false;
    try {
      await this.#uv.run(['cache', 'clean', '--quiet'], {
        doing: 'Emptying the cache',
        variables: { UV_LOCK_TIMEOUT: '20' },
        timeoutMs: 300_000,
      });
      return true;
    } catch (error) {
      this.#options.log.warn('could not empty the cache of environments', { error });
      return false;
    }
  }

  async #interpreter(version: string | undefined, options: EnvironmentOptions): Promise<Interpreter> {
    const known = this.#interpreters.get(version ?? '');
    const fresh = known !== undefined && this.#options.now() - known.at < INTERPRETER_MS;
    if (fresh && (await isUnchanged(known.interpreter))) return known.interpreter;
    const interpreter = await findInterpreter(this.#uv, this.#searchPath, version, options);
    // There are few requested versions, and only available ones get here.
    this.#interpreters.set(version ?? '', { interpreter, at: this.#options.now() });
    return interpreter;
  }

  /** uv links to the Python versions that it downloaded. */
  #pythonFolder({ prefix }: Interpreter): string {
    const own = path.join(this.#options.folder, 'pythons');
    return prefix.startsWith(`${own}/`) ? own : prefix;
  }

  /** Runs with wheels only; if wheels are missing and builds are permitted, runs again with builds. */
  async #installing(
    args: readonly string[],
    file: string,
    call: UvCall,
    openContext: () => Promise<BuildContext>,
  ): Promise<string> {
    try {
      return await this.#uv.run([...args, '--no-build', file], call);
    } catch (error) {
      const { sourceBuilds } = this.#options;
      if (sourceBuilds === 'never' || !(error instanceof DaisError) || !needsBuild(error.message)) throw error;
      const refusal = await this.#isolationRefusal(error);
      if (refusal === undefined) return await this.#uv.runIsolated([...args, file], await openContext(), call);
      if (sourceBuilds === 'isolated') throw refusal;
      return await this.#uv.run([...args, file], call);
    }
  }

  /** Returns why packages cannot be built in isolation, with the message of the installer. */
  async #isolationRefusal({ message }: DaisError): Promise<DaisError | undefined> {
    const report = await this.#isolation.report();
    if (!report.boundary.startsWith('bubblewrap')) {
      const why = isolationRefusal('A package has no wheel, and building it runs its code. The build', {
        ...report,
        reason: report.reason ?? 'a build needs namespaces, which this machine does not permit',
      });
      return new DaisError('invalid_request', `${message}\n${why}`);
    }
    if (this.#options.sourceBuilds === 'isolated' && (await this.#indexes.hasCredentials())) {
      const why =
        'A package has no wheel, and building it runs its code. The build could read the credentials of the operator’s index: ' +
        'use a version that has a wheel, or ask the operator to set `environments.sourceBuilds: true`.';
      return new DaisError('invalid_request', `${message}\n${why}`);
    }
    return undefined;
  }

  #readableFor(interpreter: Interpreter, file: string): readonly string[] {
    const { folder, wheelhouse } = this.#options;
    const locations = [this.#pythonFolder(interpreter), file, path.join(folder, 'authorities.pem'), wheelhouse];
    // Every run sees /usr.
    return locations.flatMap((path) => (path === undefined || /^\/usr(\/|$)/.test(path) ? [] : [path]));
  }

  async #temporary(name: string, text: string): Promise<string> {
    const folder = path.join(this.#options.folder, 'tmp');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, `${name}-${randomUUID()}.txt`);
    await writeFile(file, `${text}\n`);
    return file;
  }
}

function noImages(): Error {
  return new Error('this engine does not build images');
}
