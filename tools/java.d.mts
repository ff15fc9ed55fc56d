export interface JavaLibrary {
  /** GROUP:NAME:VERSION */
  readonly artifact: string;
  /** Of its jar. */
  readonly sha256: string;
}

/**
 * Ensures that `java`, with its compiler, and `mvn` are present; installs Debian's when they are missing and the user
 * has permission.
 */
export function ensureJava(): Promise<void>;

/** The paths of jars, brought by Maven once and kept in the cache folder. Rejects when one is not what was pinned. */
export function javaLibraries(libraries: readonly JavaLibrary[]): Promise<string[]>;
