import { constants } from 'node:os';

const NAMES = new Map<number, string>(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** `SIGKILL` for 9. A number that has no name (a real-time signal) gives itself. */
export function signalName(number: number): string {
  return NAMES.get(number) ?? `signal ${number}`;
}

/** The exit code that a shell makes of SIGKILL. */
export const KILLED = 128 + 9;
