/** What is told of a step where its results are kept. Pure. */
import type { Values } from '../machine/plan.ts';
import { textOf } from '../machine/values.ts';

const INTERPRETERS = /^(python[\d.]*|Rscript|node|bash|sh|julia|perl|ruby)$/;

/** The script that a command runs; else its program. */
export function programOf([program, ...rest]: readonly [string, ...string[]]): string {
  const name = program.split('/').at(-1) ?? program;
  if (!INTERPRETERS.test(name)) return program;
  const [first = '', second] = rest;
  if (first === '-m' && second !== undefined) return second;
  return first === '' || first.startsWith('-') ? program : first;
}

/** Those of its inputs that are no files, as text. */
export function parametersOf(inputs: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => ('parameter' in value ? [[name, textOf(value.parameter)]] : [])),
  );
}
