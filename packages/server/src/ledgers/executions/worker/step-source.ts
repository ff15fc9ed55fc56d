/** Source information of a step for its tracked run. */
import type { DatasetInput, Values } from '../machine/plan.ts';
import { textOf } from '../machine/values.ts';

const INTERPRETERS = /^(python[\d.]*|Rscript|node|bash|sh|julia|perl|ruby)$/;
/** Options that are followed by the source text of a program. */
const INLINE: ReadonlySet<string> = new Set(['-c', '-e', '-p', '--eval', '--print']);
/** Options that are followed by a value. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-W', '-X', '-r', '--require', '--import']);

/** Returns the script that a command runs, or else its program. */
export function programOf([program, ...rest]: readonly [string, ...string[]]): string {
  const name = program.split('/').at(-1) ?? program;
  if (!INTERPRETERS.test(name)) return program;
  for (let at = 0; at < rest.length; at++) {
    const word = rest[at] ?? '';
    if (word === '-m') return rest[at + 1] ?? program;
    if (INLINE.has(word)) return program;
    if (WITH_VALUE.has(word)) at += 1;
    else if (!word.startsWith('-')) return word;
  }
  return program;
}

/** Returns the dataset versions among the inputs. */
export function dataOf(inputs: Values): readonly DatasetInput[] {
  return Object.values(inputs).flatMap((value) => ('artifact' in value ? (value.artifact.dataset ?? []) : []));
}

/** Returns the parameters among the inputs, as text. */
export function parametersOf(inputs: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => ('parameter' in value ? [[name, textOf(value.parameter)]] : [])),
  );
}
