/** The messages of `wandb_internal.proto` that are imported. */
import { MalformedMessage, ProtoReader, pushElement } from '../run-logs/proto-reader.ts';
import { looseJson } from './loose-json.ts';

/** Names of nested maps. */
const DEEPEST = 50;

export interface Item {
  /** The name, or the names of nested maps. */
  readonly path: readonly string[];
  readonly value: unknown;
}

export interface RunRecord {
  readonly id: string;
  readonly entity: string;
  readonly project: string;
  readonly group: string;
  readonly jobType: string;
  readonly name: string;
  readonly notes: string;
  readonly tags: readonly string[];
  readonly sweepId: string;
  readonly host: string;
  /** In seconds; 0: unknown. */
  readonly startedAt: number;
  readonly config: readonly Item[];
  readonly gitUrl: string;
  readonly gitCommit: string;
}

export type WandbRecord =
  | { readonly kind: 'run'; readonly run: RunRecord }
  | { readonly kind: 'history'; readonly items: readonly Item[]; readonly step: number | undefined }
  | { readonly kind: 'summary' | 'config'; readonly set: readonly Item[]; readonly removed: readonly Item[] }
  | { readonly kind: 'stats'; readonly at: number; readonly items: readonly Item[] }
  | { readonly kind: 'environment'; readonly program: string; readonly user: string; readonly commit: string }
  | { readonly kind: 'exit'; readonly code: number; readonly seconds: number };

/** Returns undefined for records that are not imported. @throws MalformedMessage */
export function readRecord(data: Buffer): WandbRecord | undefined {
  const reader = new ProtoReader(data);
  while (reader.next()) {
    switch (reader.field) {
      case 2:
        return readHistory(reader.message());
      case 3:
        return { kind: 'summary', ...readUpdates(reader.message()) };
      case 5:
        return { kind: 'config', ...readUpdates(reader.message()) };
      case 7:
        return readStats(reader.message());
      case 17:
        return { kind: 'run', run: readRun(reader.message()) };
      case 18:
        return readExit(reader.message());
      case 26:
        return readEnvironment(reader.message());
    }
  }
  return undefined;
}

function readRun(reader: ProtoReader): RunRecord {
  const texts: Record<number, string> = {};
  const tags: string[] = [];
  let config: readonly Item[] = [];
  let startedAt = 0;
  let git = { url: '', commit: '' };
  while (reader.next()) {
    if (reader.field === 4) config = readUpdates(reader.message()).set;
    else if (reader.field === 10) pushElement(tags, reader.text());
    else if (reader.field === 17) startedAt = readTimestamp(reader.message());
    else if (reader.field === 21) git = readGit(reader.message());
    else texts[reader.field] = reader.text();
  }
  const text = (field: number) => texts[field] ?? '';
  return {
    id: text(1),
    entity: text(2),
    project: text(3),
    group: text(6),
    jobType: text(7),
    name: text(8),
    notes: text(9),
    tags,
    sweepId: text(12),
    host: text(13),
    startedAt,
    config,
    gitUrl: git.url,
    gitCommit: git.commit,
  };
}

function readGit(reader: ProtoReader) {
  const git = { url: '', commit: '' };
  while (reader.next()) {
    if (reader.field === 1) git.url = reader.text();
    else if (reader.field === 2) git.commit = reader.text();
  }
  return git;
}

function readHistory(reader: ProtoReader): WandbRecord {
  const items: Item[] = [];
  let step: number | undefined;
  while (reader.next()) {
    if (reader.field === 1) pushElement(items, readItem(reader.message()));
    else if (reader.field === 2) step = readInt(reader.message());
  }
  return { kind: 'history', items, step };
}

function readUpdates(reader: ProtoReader) {
  const [set, removed]: [Item[], Item[]] = [[], []];
  while (reader.next()) {
    if (reader.field === 1) pushElement(set, readItem(reader.message()));
    else if (reader.field === 2) pushElement(removed, readItem(reader.message()));
  }
  return { set, removed };
}

/** Items of config, summary, history and stats have the same fields, as far as their writers use them. */
function readItem(reader: ProtoReader): Item {
  let key = '';
  const nested: string[] = [];
  let value: unknown;
  while (reader.next()) {
    if (reader.field === 1) key = reader.text();
    else if (reader.field === 2) {
      if (nested.length >= DEEPEST) throw new MalformedMessage(`a name has more than ${DEEPEST} parts`);
      nested.push(reader.text());
    } else if (reader.field === 16) value = looseJson(reader.text());
  }
  return { path: nested.length > 0 ? nested : [key], value };
}

function readStats(reader: ProtoReader): WandbRecord {
  const items: Item[] = [];
  let at = 0;
  while (reader.next()) {
    if (reader.field === 2) at = readTimestamp(reader.message());
    else if (reader.field === 3) pushElement(items, readItem(reader.message()));
  }
  return { kind: 'stats', at, items };
}

function readExit(reader: ProtoReader): WandbRecord {
  let [code, seconds] = [0, 0];
  while (reader.next()) {
    if (reader.field === 1) code = reader.int();
    else if (reader.field === 2) seconds = reader.int();
  }
  return { kind: 'exit', code, seconds };
}

function readEnvironment(reader: ProtoReader): WandbRecord {
  let [program, user, commit] = ['', '', ''];
  while (reader.next()) {
    if (reader.field === 6) program = reader.text();
    else if (reader.field === 13) user = reader.text();
    else if (reader.field === 9) commit = readGit(reader.message()).commit;
  }
  return { kind: 'environment', program, user, commit };
}

/** Returns seconds. */
function readTimestamp(reader: ProtoReader): number {
  let [seconds, nanos] = [0, 0];
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.int();
    else if (reader.field === 2) nanos = reader.int();
  }
  return seconds + nanos / 1e9;
}

function readInt(reader: ProtoReader): number {
  while (reader.next()) if (reader.field === 1) return reader.int();
  return 0;
}
