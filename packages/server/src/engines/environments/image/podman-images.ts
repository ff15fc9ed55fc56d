/**
 * Fetches and unpacks images with podman; runs no container with it. A step sees the files of the image instead of those of the
 * machine, in the same isolation as every other step.
 */
import { createHash } from 'node:crypto';
import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api';
import type { Log } from '#lib/log.ts';
import { ForwardProxy, type ProxyFailure } from '#lib/outbound/forward-proxy.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { listenForClient } from '#lib/outbound/proxy-listener.ts';
import { run, type RunResult } from '#lib/process.ts';
import { BuiltStore, makeReadOnly, type Marker } from '../built-store.ts';
import type {
  BuiltEnvironment,
  EnvironmentLock,
  EnvironmentOptions,
  Environments,
  EnvironmentSpec,
  ImageSpec,
} from '../contract.ts';
import { storageFailure } from '../storage-failure.ts';
import { readImageName, type ImageName } from './image-name.ts';

export interface PodmanOptions {
  /** Folder of the image files. */
  readonly folder: string;
  readonly maxBytes: number;
  readonly outbound: Pick<Outbound, 'checkHost' | 'route' | 'errorCodeOf'>;
  /** PATH, HOME and variables that podman reads, such as REGISTRY_AUTH_FILE. */
  readonly environment: Readonly<Record<string, string>>;
  readonly now: () => number;
  readonly log: Log;
  /** Global options of podman, such as its storage, for tests. */
  readonly global?: readonly string[];
}

interface Image extends Marker {
  /** Of podman. */
  readonly id: string;
  readonly path: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  /** True: the image was fetched for this environment and is removed with it. */
  readonly fetched: boolean;
}

interface Inspected {
  readonly Id: string;
  readonly Digest?: string;
  readonly Config?: { readonly Env?: readonly string[] | null } | null;
}

interface PodmanCall {
  readonly signal?: AbortSignal;
  readonly variables?: Readonly<Record<string, string>>;
}

/** Variables of the server that podman receives. */
const PASSED = /^(PATH|HOME|XDG_RUNTIME_DIR|TMPDIR|REGISTRY_AUTH_FILE|CONTAINERS_\w+|SSL_CERT_\w+)$/i;
const FETCH_MS = 3_600_000;
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const UNPACK = `
folder=$1
shift
podman "$@" | tar -x -C "$folder" --no-same-owner -p --anchored --exclude=dev --exclude=./dev
`;
/** Mount points, which must exist in the image. */
const MOUNT_POINTS = ['proc', 'dev', 'sys/devices/system', 'tmp', 'var/tmp', 'work', 'home/step', '.dais/usr'];
const PLACED_FILES = ['etc/resolv.conf', 'etc/hosts'];

/** Does nothing until its first call. */
export function openPodmanImages(options: PodmanOptions): Environments {
  return new PodmanImages(options);
}

/** The reason and remedy when images are unavailable; otherwise undefined. */
export async function podmanProblem(environment: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { code } = await run('podman', ['--version'], { env: environment, timeoutMs: 20_000 });
  if (code === 0) return undefined;
  return 'podman is not installed. Install it (Debian, Ubuntu: `apt-get install podman`; Fedora: `dnf install podman`).';
}

class PodmanImages implements Environments {
  readonly #options: PodmanOptions;
  readonly #store: BuiltStore<Image>;
  readonly #proxy: ForwardProxy;
  readonly #variables: Readonly<Record<string, string>>;
  #isThere = false;

  constructor(options: PodmanOptions) {
    this.#options = options;
    this.#store = new BuiltStore(options.folder, options.now);
    this.#proxy = new ForwardProxy(options.outbound);
    this.#variables = Object.fromEntries(Object.entries(options.environment).filter(([name]) => PASSED.test(name)));
  }

  /** Checked again until it is installed. */
  async problem(): Promise<string | undefined> {
    if (this.#isThere) return undefined;
    const problem = await podmanProblem(this.#variables);
    this.#isThere = problem === undefined;
    return problem;
  }

  async lock(spec: EnvironmentSpec, options: EnvironmentOptions = {}): Promise<EnvironmentLock> {
    const { image } = ofImage(spec);
    options.signal?.throwIfAborted();
    const named = await this.#named(image);
    const found = await this.#fetch(named, named.name, options);
    const name =
      found.Digest === undefined ? named.name : `${named.name.replace(/(:[^/:@]+)?(@.*)?$/, '')}@${found.Digest}`;
    const text = `# Dais environment, format 1\n# image ${name}\n# id ${found.Id}\n`;
    return { digest: createHash('sha256').update(text).digest('hex'), spec, text };
  }

  async build(lock: EnvironmentLock, options: EnvironmentOptions = {}): Promise<BuiltEnvironment> {
    options.signal?.throwIfAborted();
    const { image } = ofImage(lock.spec);
    const [, name = '', id = ''] = /^# image (\S+)\n# id ([0-9a-f]{64})\n$/m.exec(lock.text) ?? [];
    if (id === '' || createHash('sha256').update(lock.text).digest('hex') !== lock.digest) {
      throw new DaisError(
        'invalid_request',
        `The text of the lock does not match its digest ${lock.digest.slice(0, 80)}.`,
      );
    }
    const named = await this.#named(image);
    let made = false;
    const built = await this.#store.locked(
      lock.digest,
      async () => {
        let marker = await this.#store.read(lock.digest);
        if (marker === undefined) {
          marker = await this.#make(lock.digest, { id, name, named }, options);
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
    return {
      digest: lock.digest,
      folders: [],
      path: built.marker.path,
      variables: built.marker.variables,
      root: this.#store.folderOf(built.marker),
      release: built.release,
    };
  }

  async list(): ReturnType<Environments['list']> {
    return (await this.#store.list()).map(({ digest, bytes, lastUsedAt }) => ({ digest, bytes, lastUsedAt }));
  }

  async evict(keepBytes: number): Promise<number> {
    await this.#store.sweep();
    const kept = await this.#store.list();
    let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
    let freed = 0;
    for (const { digest, bytes, id, fetched } of kept) {
      if (total <= keepBytes) break;
      if (!(await this.#store.remove(digest))) continue;
      if (fetched) await this.#podman(['rmi', id]);
      total -= bytes;
      freed += bytes;
    }
    return freed;
  }

  /** @throws DaisError `invalid_request`, `address_refused` */
  async #named(image: string): Promise<ImageName> {
    const named = readImageName(image);
    if (named === undefined) {
      throw new DaisError('invalid_request', `${JSON.stringify(image.slice(0, 200))} is not a valid image name.`);
    }
    const problem = await this.problem();
    if (problem !== undefined)
      throw new DaisError('invalid_request', `The image ${image} is not available: ${problem}`);
    if (named.registry !== undefined) await this.#options.outbound.checkHost(named.registry.host, named.registry.port);
    return named;
  }

  /** @throws DaisError `invalid_request` with the full message of podman. */
  async #fetch({ registry }: ImageName, reference: string, options: EnvironmentOptions): Promise<Inspected> {
    if (registry !== undefined) {
      options.progress?.({ note: `downloading ${reference}` });
      await this.#pull(reference, options);
    }
    const inspected = await this.#must(['image', 'inspect', reference], `Inspecting the image ${reference}`, options);
    const [found] = JSON.parse(inspected) as [Inspected?];
    if (found === undefined) throw new DaisError('invalid_request', `Image ${reference} does not exist.`);
    return found;
  }

  /**
   * Registries refer to other addresses, for tokens and layers. Podman connects to them through a proxy behind the outbound
   * guard, except for loopback addresses, like every Go program.
   */
  async #pull(reference: string, options: EnvironmentOptions): Promise<void> {
    const refusals = new Set<string>();
    const onFailure = ({ code, message }: ProxyFailure) => void (code === 'address_refused' && refusals.add(message));
    const listener = await listenForClient(this.#proxy, { onFailure });
    const doing = `Downloading the image ${reference}`;
    try {
      const { url } = listener;
      const variables = { HTTP_PROXY: url, HTTPS_PROXY: url, NO_PROXY: '' };
      await this.#must(['pull', '--quiet', reference], doing, { ...options, variables });
    } catch (error) {
      if (refusals.size === 0) throw error;
      throw new DaisError('address_refused', `${doing} failed. ${[...refusals].slice(0, 5).join('\n')}`, {
        cause: error,
      });
    } finally {
      listener.close();
    }
  }

  async #make(
    digest: string,
    { id, name, named }: { readonly id: string; readonly name: string; readonly named: ImageName },
    options: EnvironmentOptions,
  ): Promise<Image> {
    const isThere = (await this.#podman(['image', 'exists', id])).code === 0;
    const found = await this.#fetch(isThere ? { ...named, registry: undefined } : named, isThere ? id : name, options);
    if (found.Id !== id)
      throw new DaisError('invalid_request', `The image ${name} has changed since it was locked. Create a new lock.`);
    options.progress?.({ note: `unpacking ${name}` });
    const folderName = await this.#store.begin(digest);
    const folder = this.#store.folderOf({ folder: folderName });
    const doing = `Unpacking the image ${name}`;
    const container = (await this.#must(['create', '--network', 'none', id, 'none'], doing, options)).trim();
    try {
      await mkdir(folder, { mode: 0o755 });
      const args = ['-c', UNPACK, 'sh', folder, ...this.#global, 'export', container];
      const unpacked = await this.#run('sh', args, options);
      if (unpacked.code !== 0) throw errorOf(doing, unpacked);
      // Readable by all users: a step has a uid that does not exist in the image.
      await this.#run('chmod', ['-R', 'a+rX,u+w', '--', folder], options);
      await makeMountPoints(folder);
      await makeReadOnly(folder);
      const [bytes = 0] = await this.#store.measure([folder]);
      const { PATH = SYSTEM_PATH, ...variables } = variablesOf(found);
      const fetched = named.registry !== undefined;
      const image: Image = { digest, folder: folderName, bytes, id, path: PATH.split(':'), variables, fetched };
      options.signal?.throwIfAborted();
      await this.#store.publish(image);
      return image;
    } catch (error) {
      await this.#store.discard(folderName).catch(() => {});
      throw storageFailure(error, this.#options.folder);
    } finally {
      await this.#podman(['rm', container]);
    }
  }

  async #tidy(): Promise<void> {
    try {
      await this.evict(this.#options.maxBytes);
    } catch (error) {
      this.#options.log.warn('could not remove unused images', { error });
    }
  }

  get #global(): readonly string[] {
    return this.#options.global ?? [];
  }

  async #must(args: readonly string[], doing: string, { signal, variables }: PodmanCall): Promise<string> {
    const answer = await this.#podman(args, { ...(signal && { signal }), ...(variables && { variables }) });
    signal?.throwIfAborted();
    if (answer.code !== 0) throw errorOf(doing, answer);
    return answer.stdout.toString('utf8');
  }

  async #podman(args: readonly string[], more: PodmanCall = {}): Promise<RunResult> {
    return await this.#run('podman', [...this.#global, ...args], more);
  }

  async #run(program: string, args: readonly string[], { signal, variables }: PodmanCall): Promise<RunResult> {
    const options = {
      env: { ...this.#variables, ...variables, LC_ALL: 'C' },
      group: true,
      timeoutMs: FETCH_MS,
      maxOutputBytes: 8 << 20,
    };
    return await run(program, args, { ...options, ...(signal !== undefined && { signal }) });
  }
}

function ofImage(spec: EnvironmentSpec): ImageSpec {
  if (spec.type !== 'image') throw new Error(`an environment of type ${spec.type} is not an image`);
  return spec;
}

function variablesOf({ Config }: Inspected): Record<string, string> {
  return Object.fromEntries(
    (Config?.Env ?? []).flatMap((line): [string, string][] => {
      const cut = line.indexOf('=');
      const name = line.slice(0, cut);
      return /^[A-Za-z_]\w*$/.test(name) && name !== 'HOME' && name !== 'TMPDIR' ? [[name, line.slice(cut + 1)]] : [];
    }),
  );
}

function errorOf(doing: string, { stderr, timedOut }: RunResult): DaisError {
  // The message contains a byte of a response that is not JSON, which may come from a loopback address (see `#pull`).
  const shown = stderr.replaceAll(/invalid character '(?:\\.|[^'\\])+'/g, 'an unexpected character');
  const output = timedOut ? 'it took longer than an hour' : shown.trim().slice(-4000);
  return new DaisError('invalid_request', `${doing} failed: ${output}`);
}

/** Links of an untrusted image may point anywhere, so paths that are not folders are replaced with folders. */
async function makeMountPoints(root: string): Promise<void> {
  const makeFolders = async (mountPoint: string) => {
    let at = root;
    for (const part of mountPoint.split('/')) {
      at = path.join(at, part);
      const found = await lstat(at).catch(() => undefined);
      if (found?.isDirectory() === true) continue;
      if (found !== undefined) await rm(at);
      await mkdir(at, { mode: 0o755 });
    }
  };
  for (const mountPoint of MOUNT_POINTS) await makeFolders(mountPoint);
  for (const file of PLACED_FILES) {
    await makeFolders(path.dirname(file));
    const at = path.join(root, file);
    if ((await lstat(at).catch(() => undefined))?.isFile() === true) continue;
    await rm(at, { recursive: true, force: true });
    await writeFile(at, '', { flag: 'wx', mode: 0o644 });
  }
}
