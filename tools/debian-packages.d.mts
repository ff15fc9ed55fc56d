/** Installs packages if the user has permission. `missing`: what they are for. @throws Error with what to install. */
export function installDebian(missing: string, packages: readonly string[]): Promise<void>;

/**
 * The path of a program; installs its package when it is missing and the user has permission. @throws Error with what
 * to install.
 */
export function ensureProgram(missing: string, names: readonly string[], name: string): Promise<string>;

/**
 * The folder of a package's programs: on the PATH, else unpacked in the cache folder and not installed. @throws Error
 * with the output of apt.
 */
export function unpackedPrograms(missing: string, program: string, name: string): Promise<string>;

/**
 * The path of a shared library of a package, unpacked in the cache folder and not installed. @throws Error with the
 * output of apt.
 */
export function unpackedLibrary(missing: string, library: string, name: string): Promise<string>;

/**
 * The path of a file or folder of a package, unpacked in the cache folder and not installed. @throws Error with the
 * output of apt.
 */
export function unpackedPackage(missing: string, name: string, path: string): Promise<string>;

/** The path of the first program of these names that is on the PATH. */
export function findProgram(names: readonly string[]): string | undefined;
