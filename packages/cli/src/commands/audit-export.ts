import { resolve } from 'node:path';
import type { DaisClient } from '@dais/api';
import { exportAuditOperation } from '@dais/api/audit';
import { ecsDocument } from '#audit/ecs.ts';
import { bulkLines } from '#audit/elasticsearch.ts';
import { ExportFile } from '#audit/export-file.ts';
import { serverEntries } from '#audit/log-source.ts';
import { syslogFrame } from '#audit/syslog.ts';
import type { Run } from '#context.ts';
import { exitCodes } from '#exit-codes.ts';
import { remark } from '#output/result.ts';

interface ExportOptions {
  readonly format: 'ecs' | 'elasticsearch' | 'jsonl' | 'syslog';
  readonly index: string;
  readonly to?: string;
  readonly after?: number;
}

interface Piece {
  readonly bytes: Buffer;
  /** The entry after the last of these. */
  readonly next: number;
}

export const run: Run<ExportOptions> = async (context, _args, options) => {
  const { format, index, after, to } = options;
  // A file has only one source.
  const kind = format === 'elasticsearch' ? `elasticsearch for ${index}` : format;
  const client = await context.connect();
  const file = to === undefined ? undefined : await ExportFile.open(resolve(context.workingFolder, to), kind, after);
  const from = file?.next ?? (after === undefined ? 0 : after + 1);
  let next = from;
  try {
    for await (const piece of pieces(client, options, from, context.signal)) {
      if (file === undefined) context.terminal.out(piece.bytes.toString('utf8'));
      else await file.append(piece.bytes, piece.next);
      next = piece.next;
      context.terminal.progress(`${next - from} entries exported`);
    }
  } finally {
    context.terminal.progress('');
    await file?.close();
  }
  remark(context, `${next - from} entries exported; continue with --after ${next - 1}.`);
  return exitCodes.ok.code;
};

async function* pieces(client: DaisClient, { format, index }: ExportOptions, from: number, signal: AbortSignal) {
  if (format === 'jsonl') {
    // The lines are hashed as written: such a file can be verified offline.
    for await (const { entries } of serverEntries(client, signal, from)) yield linesOf(entries, from);
    return;
  }
  const host = new URL(client.url).hostname;
  // Each page adds an audit entry itself: without a fixed end, the export would never finish.
  let end: number | undefined;
  for (let next = from; ;) {
    const page = await client.perform(exportAuditOperation, next === 0 ? {} : { after: next - 1 }, { signal });
    end ??= page.size;
    const upTo = end;
    const items = page.items.filter((entry) => entry.seq < upTo);
    const last = items.at(-1);
    if (last === undefined) return;
    next = last.seq + 1;
    const parts = items.map((entry) => {
      if (format === 'elasticsearch') return bulkLines(entry, index);
      return format === 'ecs' ? Buffer.from(`${JSON.stringify(ecsDocument(entry))}\n`) : syslogFrame(entry, host);
    });
    yield { bytes: Buffer.concat(parts), next } satisfies Piece;
    if (next >= upTo) return;
  }
}

function linesOf(entries: readonly { readonly seq: number; readonly body: string }[], from: number): Piece {
  const text = entries.map(({ body }) => `${body}\n`).join('');
  return { bytes: Buffer.from(text, 'utf8'), next: (entries.at(-1)?.seq ?? from - 1) + 1 };
}
