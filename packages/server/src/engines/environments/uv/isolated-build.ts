/**
 * Runs uv for calls that execute code of packages: in the isolation engine, as a separate user where possible. It sees the
 * programs of the machine, the files of its call, a private cache and temporary folders, and the environment that it fills. Its
 * only network is the proxy.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import type { IsolatedRun, Isolation, RunLimits } from '#engines/isolation/contract.ts';
import { runNetworked } from '#engines/isolation/networked-run.ts';
import { uidOf } from '#engines/isolation/user.ts';
import { limitReason } from '#engines/isolation/run-messages.ts';
import { machineMemory } from '#lib/system/machine-memory.ts';
import type { RunResult } from '#lib/process.ts';
import { BuildArea, changeOwner, usageOf } from './build-area.ts';

export interface BuildContext {
  /** Builds of one owner may share a user id. */
  readonly owner: string;
  /** Files and folders that uv reads. */
  readonly readable: readonly string[];
  /** The environment that it fills. */
  readonly venv?: string;
  /** URLs whose hosts and ports it can reach. */
  readonly addresses: readonly string[];
}

export type BuildLimits = Required<Pick<RunLimits, 'memoryBytes' | 'processes' | 'diskBytes' | 'wallMs'>>;

interface BuildOptions {
  readonly isolation: Isolation;
  readonly limits: Partial<BuildLimits>;
  /** Folder of the build areas. */
  readonly folder: string;
  readonly pythons: string;
  readonly command: readonly string[];
  readonly context: BuildContext;
  readonly variables: Readonly<Record<string, string>>;
  readonly path: string;
  readonly accept: (socket: Socket) => void;
  readonly signal: AbortSignal | undefined;
  readonly onErrorLine: (line: string) => void;
}

const GIBIBYTE = 2 ** 30;
/** Compilers of large packages take 1 to 2 GiB each. */
const MEMORY_BYTES = 4 * GIBIBYTE;
const DISK_BYTES = 16 * GIBIBYTE;
const PROCESSES = 512;
const WALL_MS = 30 * 60_000;
const PROXY_PORT = 3128;
const MAX_STDOUT = 16 * 2 ** 20;
const MAX_STDERR = 2 ** 20;

/** `ended`: why it was terminated, for its owner. */
export async function buildIsolated(
  options: BuildOptions,
): Promise<RunResult & { readonly ended: string | undefined }> {
  const { isolation, context, command, signal } = options;
  const area = await BuildArea.make(options.folder);
  const folders = [area.root, ...(context.venv === undefined ? [] : [context.venv])];
  const { identity } = await isolation.report();
  const isOther = identity === 'own-user';
  const limits: BuildLimits = {
    memoryBytes: Math.min(MEMORY_BYTES, Math.floor(machineMemory() / 2)),
    processes: PROCESSES,
    diskBytes: DISK_BYTES,
    wallMs: WALL_MS,
    ...options.limits,
  };
  const run: IsolatedRun = {
    workload: 'package-build',
    owner: context.owner,
    command,
    limits,
    network: { type: 'none' },
    files: {
      readable: [...context.readable, command[0] ?? '', options.pythons].filter((file) => existsSync(file)),
      writable: [
        // First, because the others may be below it.
        { outside: area.temporary, inside: '/tmp' },
        ...folders.map((folder) => ({ outside: folder, inside: folder })),
      ],
    },
  };
  const stdout = new Collected(MAX_STDOUT);
  const stderr = new Collected(MAX_STDERR, options.onErrorLine);
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  try {
    if (isOther) await changeOwner(uidOf(context.owner), folders);
    const end = await runNetworked({
      isolation,
      run,
      variables: {
        ...options.variables,
        HOME: area.home,
        TMPDIR: '/tmp',
        UV_CACHE_DIR: area.cache,
        UV_PYTHON_DOWNLOADS: 'never',
        // The environment and the cache are different mounts.
        UV_LINK_MODE: 'copy',
        HTTP_PROXY: proxy,
        HTTPS_PROXY: proxy,
        ALL_PROXY: proxy,
      },
      path: options.path,
      port: PROXY_PORT,
      accept: options.accept,
      signal,
      onOutput: (chunk, stream) => (stream === 'stdout' ? stdout : stderr).add(chunk),
      check: async () =>
        (await usageOf(folders)) > limits.diskBytes ? limitReason('package-build', 'disk', limits) : undefined,
    });
    return {
      code: end.code ?? 1,
      timedOut: end.cause === 'wall-time',
      stdout: stdout.bytes(),
      stderr: stderr.bytes().toString('utf8'),
      ended: end.cause === 'exit' ? undefined : end.reason,
    };
  } finally {
    if (isOther) await changeOwner(process.getuid?.() ?? 0, folders).catch(() => {});
    await area.remove();
  }
}

/** Returns the owner of builds of a lock or of requirements. */
export function ownerOf(text: string): string {
  return `package-build:${createHash('sha256').update(text).digest('hex')}`;
}

class Collected {
  readonly #most: number;
  readonly #onLine: ((line: string) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #decoder = new StringDecoder('utf8');
  #size = 0;
  #rest = '';

  constructor(most: number, onLine?: (line: string) => void) {
    this.#most = most;
    this.#onLine = onLine;
  }

  add(chunk: Buffer): void {
    if (this.#size < this.#most) this.#chunks.push(chunk.subarray(0, this.#most - this.#size));
    this.#size += chunk.length;
    if (this.#onLine === undefined) return;
    const lines = (this.#rest + this.#decoder.write(chunk)).split('\n');
    this.#rest = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) this.#onLine(line);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
