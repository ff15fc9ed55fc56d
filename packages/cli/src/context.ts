import type { DaisClient } from '@dais/api';
import type { Environment } from '#environment.ts';
import type { Terminal } from '#output/terminal.ts';

export const outputFormats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** Options that every command takes. */
export interface GlobalOptions {
  readonly url?: string;
  readonly token?: string;
  readonly project?: string;
  readonly output: OutputFormat;
  readonly color: boolean;
  readonly quiet: boolean;
}

/** Everything that a command may use of the world around it. */
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
  /** A client for the server that the options, the environment or the data folder name. */
  readonly connect: () => Promise<DaisClient>;
  /** Texts that were sent, by file: errors show the line that they speak of. */
  readonly sentTexts: Map<string, string>;
}

/**
 * Does one command. `options` are those that its definition lists, named as commander names them. Gives an `ExitCode`, or
 * what a program that it ran for its caller gave.
 */
export type Run<Options = never> = (context: Context, args: readonly string[], options: Options) => Promise<number>;
