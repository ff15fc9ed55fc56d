/** The pinned version of uv; the tools of the repository read it from the same file. */
import type { PinnedWheel } from '#lib/python-index/pinned-wheel.ts';
import pinned from './uv-release.json' with { type: 'json' };

export interface UvRelease {
  readonly version: string;
  /** By platform and architecture as Node names them: `linux-x64`. */
  readonly wheels: Readonly<Record<string, PinnedWheel | undefined>>;
}

export const uvRelease: UvRelease = pinned;
