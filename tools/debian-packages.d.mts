/** The path of a program; installs its package when it is not there and this user may. @throws Error that says what to install. */
export function ensureProgram(missing: string, names: readonly string[], name: string): Promise<string>;
