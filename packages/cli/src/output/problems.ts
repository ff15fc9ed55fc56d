/** Failed objects, each with its reason. */
import { countNoun } from '@dais/api';
import type { Terminal } from '#output/terminal.ts';

interface Problem {
  readonly what: string;
  readonly why: string;
}

/** Number of printed problems; the JSON has all of them. */
const SHOWN = 20;

/** @param done as in `could not be imported` */
export function printProblems(terminal: Terminal, problems: readonly Problem[], done: string): void {
  if (problems.length === 0) return;
  terminal.err(`${terminal.errStyle.fail('error:')} ${countNoun(problems.length, 'object')} could not be ${done}:\n`);
  for (const { what, why } of problems.slice(0, SHOWN)) terminal.err(`  ${what}: ${why}\n`);
  if (problems.length > SHOWN) terminal.err(`  and ${problems.length - SHOWN} more; all of them with -o json\n`);
}
