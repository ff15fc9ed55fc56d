/** What is told of a step where its results are kept. Pure. */
import type { DatasetInput, Values } from '../machine/plan.ts';
import { textOf } from '../machine/values.ts';

const INTERPRETERS = /^(python[\d.]*|Rscript|node|bash|sh|julia|perl|ruby)$/;
/** Behind these stands the program itself. */
const INLINE: ReadonlySet<string> = new Set(['-c', '-e', '-p', '--eval', '--print']);
/** Behind these stands something that is no script. */
const WITH_VALUE: ReadonlySet<string> = new Set(['-W', '-X', '-r', '--require', '--import']);

/** The script that a command runs; else its program. */
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

/** Versions of datasets among its inputs. */
export function dataOf(inputs: Values): readonly DatasetInput[] {
  return Object.values(inputs).flatMap((value) => ('artifact' in value ? (value.artifact.dataset ?? []) : []));
}

/** Those of its inputs that are no files, as text. */
export function parametersOf(inputs: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([name, value]) => ('parameter' in value ? [[name, textOf(value.parameter)]] : [])),
  );
}
