/** The repository. */
export const root: string;

export interface CommandOptions {
  /** Default: the repository. */
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Keeps the output instead of showing it. */
  readonly quiet?: boolean;
  /** Receives the output as it arrives. */
  readonly onOutput?: (chunk: string) => void;
  /** Ends the process group after this time without output: code 124. */
  readonly silenceMs?: number;
}

/**
 * Runs a program to its end. Never rejects: one that cannot start gives code 127. Programs of node_modules/.bin come before
 * those of the PATH.
 */
export function runCommand(
  program: string,
  args: readonly string[],
  options?: CommandOptions,
): Promise<{ code: number; output: string; ms: number }>;

/** Sends a signal to every program that still runs, and to what they started. */
export function endCommands(signal: NodeJS.Signals): void;
