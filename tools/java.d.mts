export interface JavaLibrary {
  /** GROUP:NAME:VERSION */
  readonly artifact: string;
  /** Of its jar. */
  readonly sha256: string;
}

/** Sees that `java`, with its compiler, and `mvn` are there; installs Debian's when they are not and this user may. */
export function ensureJava(): Promise<void>;

/** The paths of jars, brought by Maven once and kept in the cache folder. Rejects when one is not what was pinned. */
export function javaLibraries(libraries: readonly JavaLibrary[]): Promise<string[]>;
