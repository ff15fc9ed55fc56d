/** A machine as in `process.arch`. */
export type ShimMachine = 'x64' | 'arm64';

/** Returns the path of the shim for a machine; builds it if necessary. @throws Error with what to install. */
export function shimProgram(machine: ShimMachine): Promise<string>;

/** Returns the path of the test program that the shim can start where there is no other program. */
export function shimProbe(machine: ShimMachine): Promise<string>;

/** Builds a program of native/shim into a file. Its bytes depend only on the sources, the version of Go and the machine. */
export function buildShim(pkg: string, machine: ShimMachine, file: string): Promise<void>;

/** Copies the shims of all machines into a folder, by default native/shim/built: a build with it needs neither Go nor a network. */
export function bringShims(folder?: string): Promise<void>;
