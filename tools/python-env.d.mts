/**
 * Returns the folder of a virtual environment with exactly the packages of `requirementsFile` (all pinned with `==`); its
 * programs are in `bin/`. Built once, kept in the cache folder. Rejects with uv's own words when it cannot be made.
 */
export function pythonEnvironment(name: string, requirementsFile: string): Promise<string>;

/** The folder of one wheel's code, without what it depends on; `pin` is `NAME==VERSION --hash=sha256:…`. */
export function pythonWheel(pin: string): Promise<string>;
