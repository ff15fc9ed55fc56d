import { constants } from 'node:os';

const NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** Returns `SIGKILL` for 9, and `signal N` for a number without a name (a real-time signal). */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `signal ${number}`;
}

/** The exit code that a shell reports for SIGKILL. */
export const KILLED = 128 + 9;
