import type { Context } from '#context.ts';
import { jsonText, yamlText } from '#output/documents.ts';

/** Prints a value when an output format for programs is requested; false otherwise. */
export async function printedForPrograms(context: Context, value: unknown): Promise<boolean> {
  if (context.globals.output === 'json') context.terminal.out(jsonText(value));
  else if (context.globals.output === 'yaml') context.terminal.out(await yamlText(value));
  else return false;
  return true;
}

/** A note in addition to the result; not with `--quiet`. */
export function remark(context: Context, text: string): void {
  if (!context.globals.quiet) context.terminal.err(`${text}\n`);
}
