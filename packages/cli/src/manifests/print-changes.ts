import type { Change } from '@dais/api';
import type { Context } from '#context.ts';
import { printedForPrograms } from '#output/result.ts';
import type { Style } from '#output/style.ts';
import { printable } from '#output/width.ts';

/** Prints changes in the requested format; `--quiet` prints only the last line. */
export async function printChanges(
  context: Context,
  changes: readonly Change[],
  text: (style: Style) => string,
): Promise<void> {
  if (await printedForPrograms(context, { changes })) return;
  const { terminal, globals } = context;
  if (globals.output === 'name') {
    for (const change of changes) terminal.out(`${printable(`${change.kind.toLowerCase()}/${change.name}`)}\n`);
    return;
  }
  const lines = text(terminal.style);
  terminal.out(globals.quiet ? `${lines.trimEnd().split('\n').at(-1)}\n` : lines);
}
