/** The one version of uv that Dais uses: the tools of the repository take it from the same file. */
import pinned from './uv-release.json' with { type: 'json' };

export interface UvWheel {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface UvRelease {
  readonly version: string;
  /** By platform and architecture as Node calls them: `linux-x64`. */
  readonly wheels: Readonly<Record<string, UvWheel | undefined>>;
}

export const uvRelease: UvRelease = pinned;
