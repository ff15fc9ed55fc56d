/** Where the entries of a log are read from: a server, or a file that was exported. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { DaisClient } from '@dais/api';
import { readAuditBodiesOperation } from '@dais/api/audit';
import { type LogEntry } from '@dais/api/tlog';

/** Entries of one page: 5 MB at most usual sizes. */
const PAGE = 5000;

export interface EntryPages<Entry extends LogEntry = LogEntry> {
  readonly entries: readonly Entry[];
  /** Number of entries; undefined when only the end is known by reading. */
  readonly size: number | undefined;
}

/** Reads from a server; the next page is requested while the current one is processed. */
export async function* serverEntries(
  client: DaisClient,
  signal: AbortSignal,
  from = 0,
): AsyncGenerator<EntryPages<LogEntry & { readonly seq: number }>> {
  const read = async (after: number | undefined) =>
    await client.perform(readAuditBodiesOperation, { limit: PAGE, ...(after !== undefined && { after }) }, { signal });
  let page = await read(from === 0 ? undefined : from - 1);
  for (let last = page.items.at(-1); last !== undefined; last = page.items.at(-1)) {
    const next = read(last.seq);
    // A failure is reported when its page is requested, not earlier.
    next.catch(() => {});
    const entries = page.items.map(({ seq, body, leaf }) => ({
      seq,
      body,
      ...(leaf !== undefined && { leaf: Buffer.from(leaf, 'base64') }),
    }));
    yield { entries, size: page.size };
    page = await next;
  }
}

/**
 * Reads a file of `dais audit export --format jsonl`: each line is an entry, exactly as it was hashed. Entries use
 * their own numbers, not line numbers: a deleted line must not shift the others.
 */
export async function* fileEntries(path: string): AsyncGenerator<EntryPages> {
  let entries: LogEntry[] = [];
  for await (const body of createInterface({
    input: createReadStream(path, { encoding: 'utf8' }),
    crlfDelay: Infinity,
  })) {
    entries.push({ body });
    if (entries.length < PAGE) continue;
    yield { entries, size: undefined };
    entries = [];
  }
  if (entries.length > 0) yield { entries, size: undefined };
}
