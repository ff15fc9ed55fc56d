import { type Revision } from '@dais/api';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { age } from '#output/age.ts';
import { printedForPrograms } from '#output/result.ts';
import { table } from '#output/table.ts';
import { resolveOne } from '#resources/kind-view.ts';
import { sourceText } from '#resources/source-text.ts';

export const run: Run<{ readonly limit: number }> = async (context, args, { limit }) => {
  const { kind, name } = await resolveOne(args, context.connect);
  const client = await context.connect();
  const revisions: Revision[] = [];
  for await (const revision of client.history(kind.kind, name, { limit: Math.min(Math.max(limit, 1), 1000) })) {
    if (revisions.length >= limit) break;
    revisions.push(revision);
  }
  if (await printedForPrograms(context, { items: revisions })) return exitCodes.ok.code;
  const rows = revisions.map((revision) => [
    { text: String(revision.generation) },
    { text: age(revision.at, context.now()) },
    { text: revision.operation },
    { text: revision.actor.type === 'system' ? 'dais' : revision.actor.id },
    { text: sourceText(revision.source) },
  ]);
  const { terminal } = context;
  terminal.out(
    table(['revision', 'age', 'operation', 'by', 'source'], rows, { style: terminal.style, columns: terminal.columns }),
  );
  return exitCodes.ok.code;
};
