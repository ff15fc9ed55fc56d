import type { DaisClient } from '@dais/api';
import type { Environment } from '#environment.ts';
import type { Terminal } from '#output/terminal.ts';

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Options of all commands. */
export interface GlobalOptions {
  readonly url?: string;
  readonly token?: string;
  readonly project?: string;
  readonly output: OutputFormat;
  readonly color: boolean;
  readonly quiet: boolean;
}

/** The environment of a command: terminal, clock, signals and client. */
export interface Context {
  readonly terminal: Terminal;
  readonly environment: Environment;
  readonly globals: GlobalOptions;
  readonly workingFolder: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly readStdin: () => Promise<Buffer>;
  /** Returns a client for the server of the options, the environment or the data folder. */
  readonly connect: () => Promise<DaisClient>;
  /** Sent texts by file: errors show the line of a position. */
  readonly sentTexts: Map<string, string>;
}

/**
 * Runs one command. `options` are those of its definition, named as commander names them. Returns an `ExitCode`, or the
 * exit code of a program that it ran for its caller.
 */
export type Run<Options = never> = (context: Context, args: readonly string[], options: Options) => Promise<number>;
