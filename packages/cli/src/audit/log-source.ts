/** Where the entries of a log are read from: a server, or a file that was exported. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { readAuditBodiesOperation, type DaisClient } from '@dais/api';
import { type LogEntry } from '@dais/api/tlog';

/** Entries of one page: 5 MB at most usual sizes. */
const PAGE = 5000;

export interface EntryPages {
  readonly entries: readonly LogEntry[];
  /** How many there are; undefined when only the end tells. */
  readonly size: number | undefined;
}

/** From a server; the next page is on its way while one is looked at. */
export async function* serverEntries(client: DaisClient, signal: AbortSignal, from = 0): AsyncGenerator<EntryPages> {
  const read = async (after: number | undefined) =>
    await client.perform(readAuditBodiesOperation, { limit: PAGE, ...(after !== undefined && { after }) }, { signal });
  let page = await read(from === 0 ? undefined : from - 1);
  for (let last = page.items.at(-1); last !== undefined; last = page.items.at(-1)) {
    const next = read(last.seq);
    // A failure is told when its page is wanted, not before.
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

/** From a file of `dais audit export --format jsonl`: each line is an entry, exactly as it was hashed. */
export async function* fileEntries(path: string): AsyncGenerator<EntryPages> {
  let entries: LogEntry[] = [];
  let seq = 0;
  for await (const body of createInterface({
    input: createReadStream(path, { encoding: 'utf8' }),
    crlfDelay: Infinity,
  })) {
    entries.push({ seq, body });
    seq += 1;
    if (entries.length < PAGE) continue;
    yield { entries, size: undefined };
    entries = [];
  }
  if (entries.length > 0) yield { entries, size: undefined };
}
