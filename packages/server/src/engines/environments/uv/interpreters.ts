/** Finds Python interpreters for environments: installed ones first, then those that uv downloads. */
import { realpath, stat } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import { run } from '#lib/process.ts';
import type { EnvironmentOptions } from '../contract.ts';
import type { UvRunner } from './uv-runner.ts';

export interface Interpreter {
  /** The actual program, behind links and shims. */
  readonly executable: string;
  /** Folder of its standard library. */
  readonly prefix: string;
  readonly version: string;
  /** `linux-x64-gnu`. */
  readonly platform: string;
  /** Changes when the program is replaced. */
  readonly stamp: string;
}

interface Listed {
  readonly version: string;
  readonly path: string;
  readonly implementation: string;
  readonly variant: string;
  readonly libc: string;
}

const VERSION = /^3\.\d{1,2}(\.\d{1,2})?$/;

/** `-S` prevents that code of packages runs here; `-I` ignores variables and files of the folder. */
const ASK =
  'import json, os, sys; print(json.dumps([os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable), os.path.realpath(sys.base_prefix), "%d.%d.%d" % sys.version_info[:3]]))';

/**
 * Finds an interpreter. `version`: `3.11` or `3.11.9`; default the newest. @throws DaisError `invalid_request` with the
 * version, the installed versions and a remedy.
 */
export async function findInterpreter(
  uv: UvRunner,
  searchPath: string,
  version: string | undefined,
  options: EnvironmentOptions,
): Promise<Interpreter> {
  if (version !== undefined && !VERSION.test(version)) {
    throw new DaisError(
      'invalid_request',
      `“${version.slice(0, 40)}” is not a version of Python; write 3.11 or 3.11.9.`,
    );
  }
  const before = await listInterpreters(uv, searchPath, options);
  const here = await firstThatRuns(before, searchPath, version);
  if (here !== undefined) return here;
  options.progress?.({ note: `installing Python ${version ?? ''}`.trim() });
  let words: string;
  try {
    const versions = version === undefined ? [] : [version];
    await uv.run(['python', 'install', '--no-bin', ...versions], {
      ...options,
      doing: `Fetching Python ${version ?? ''}`,
    });
    const fetched = await firstThatRuns(await listInterpreters(uv, searchPath, options), searchPath, version);
    if (fetched !== undefined) return fetched;
    words = 'the downloaded Python does not run on this machine';
  } catch (error) {
    if (!(error instanceof DaisError) || error.code === 'invalid_config' || error.code === 'storage_full') throw error;
    words = error.message;
  }
  const others = [...new Set(before.map((one) => one.version))];
  throw new DaisError(
    'invalid_request',
    `Python ${version ?? '3'} is not installed on this machine${others.length === 0 ? '' : ` (it has ${others.join(', ')})`} and could ` +
      `not be downloaded. Use an installed version, install it on the PATH of the server, or set a mirror in ` +
      `\`environments.pythonMirror\` (DAIS_ENVIRONMENTS_PYTHON_MIRROR).\n${words}`,
  );
}

/** Returns whether the interpreter is unchanged. */
export async function isUnchanged(interpreter: Pick<Interpreter, 'executable' | 'stamp'>): Promise<boolean> {
  return (await stampOf(interpreter.executable).catch(() => undefined)) === interpreter.stamp;
}

/** The newest first. */
async function listInterpreters(uv: UvRunner, searchPath: string, options: EnvironmentOptions): Promise<Listed[]> {
  const text = await uv.run(['python', 'list', '--only-installed', '--output-format', 'json'], {
    ...options,
    doing: 'Listing the Python versions',
    variables: { PATH: searchPath },
    timeoutMs: 60_000,
  });
  const listed = JSON.parse(text) as readonly Listed[];
  return listed
    .filter(({ implementation, variant }) => implementation === 'cpython' && variant === 'default')
    .filter(({ version }) => /^3\.\d+\.\d+$/.test(version))
    .toSorted((one, other) => compareVersions(other.version, one.version));
}

async function firstThatRuns(
  listed: readonly Listed[],
  searchPath: string,
  version: string | undefined,
): Promise<Interpreter | undefined> {
  const fits = listed.filter((one) => version === undefined || `${one.version}.`.startsWith(`${version}.`));
  for (const candidate of fits) {
    const { code, stdout } = await run(candidate.path, ['-I', '-S', '-c', ASK], {
      env: { PATH: searchPath },
      timeoutMs: 20_000,
    });
    const [executable, prefix, found] = code === 0 ? (JSON.parse(stdout.toString()) as string[]) : [];
    if (executable === undefined || prefix === undefined || found !== candidate.version) continue;
    return {
      executable: await realpath(executable),
      prefix,
      version: found,
      platform: `${process.platform}-${process.arch}-${candidate.libc}`,
      stamp: await stampOf(executable),
    };
  }
  return undefined;
}

async function stampOf(executable: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(executable);
  return `${mtimeMs}-${size}-${ino}`;
}

function compareVersions(one: string, other: string): number {
  const [left, right] = [one.split('.').map(Number), other.split('.').map(Number)];
  return left.map((part, index) => part - (right[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
}
