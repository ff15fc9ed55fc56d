/** The files of the agent, as a killed agent or a full disk leaves them. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { SmallDisk } from '#testing/small-disk.ts';
import type { AgentOutput } from '../agent-api.ts';
import { CommandLog } from './command-log.ts';
import { Journal } from './journal.ts';
import { LogStore } from './log-store.ts';
import { SecretMasker } from './secret-masker.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dais-agent-state-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const order = {
  command: ['x'],
  variables: {},
  secretVariables: {},
  path: [],
  inputs: [],
  outputs: [],
  limits: { logBytes: 1, graceMs: 1, collectMs: 1 },
} as const;

async function readAll(store: LogStore, from = 0): Promise<string> {
  let [text, position] = ['', from];
  for (let part = await store.read(position, 1000); part !== undefined; part = await store.read(position, 1000)) {
    text += part.bytes.toString('latin1');
    position = part.position + part.bytes.length;
  }
  return text;
}

describe('the log', () => {
  const text = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`).join('');

  test('keeps the newest part, and says where it starts', async () => {
    const store = new LogStore(folder, 32_768, 0);
    for (let at = 0; at < text.length; at += 777) store.append(Buffer.from(text.slice(at, at + 777)));
    expect(store.end).toBe(text.length);
    expect(store.end - store.start).toBeLessThanOrEqual(32_768);
    expect(store.end - store.start).toBeGreaterThan(32_768 - 4096);
    expect(await readAll(store)).toBe(text.slice(store.start));
    expect(await readAll(store, store.end - 10)).toBe(text.slice(-10));
    expect(await store.read(store.end, 10)).toBeUndefined();
    expect((await store.read(5, 10))?.position).toBe(store.start);
    store.close();
  });

  test('continues where the journal says, without what was written after it', async () => {
    const first = new LogStore(folder, 65_536, 0);
    first.append(Buffer.from(text.slice(0, 20_000)));
    first.close();
    for (const end of [18_000, 8192, 8000]) {
      const store = new LogStore(folder, 65_536, end);
      expect([store.start, store.end, await readAll(store)]).toEqual([0, end, text.slice(0, end)]);
      store.append(Buffer.from(text.slice(end, 20_000)));
      expect(await readAll(store)).toBe(text.slice(0, 20_000));
      store.close();
    }
    expect(() => new LogStore(folder, 65_536, 30_000)).toThrow(/ends before position 30000/);
  });
});

describe('the journal', () => {
  test('returns everything to a restarted agent', () => {
    const journal = new Journal(folder);
    expect([journal.record, journal.order, journal.sentOutputs()]).toEqual([undefined, undefined, []]);
    journal.begin('the session', order);
    journal.write({ phase: 'running', startedAt: 5 });
    journal.writeProgress({ received: 2 ** 52, logged: 2 ** 52, sent: 2 ** 52, covered: 2 ** 20, isInside: true });
    journal.writeProgress({ sent: 7 });
    journal.close();
    const next = new Journal(folder);
    expect(next.record).toEqual({ phase: 'running', session: 'the session', startedAt: 5 });
    expect(next.order).toEqual(order);
    expect(next.progress).toEqual({ received: 2 ** 52, logged: 2 ** 52, sent: 7, covered: 2 ** 20, isInside: true });
    next.close();
  });

  test('ignores incomplete writes', () => {
    const journal = new Journal(folder);
    journal.begin('the session', order);
    const output: AgentOutput = {
      output: 'o',
      path: '',
      size: 1,
      sha256: '',
      identity: '1',
      executable: false,
      key: 0,
    };
    journal.addSentOutput(output);
    journal.close();
    appendFileSync(join(folder, 'outputs.jsonl'), '{"output":"p"');
    writeFileSync(join(folder, 'journal.json.new'), '{"ph');
    writeFileSync(join(folder, 'progress'), '12 ');
    const next = new Journal(folder);
    expect([next.record?.phase, next.sentOutputs(), next.progress.received]).toEqual(['staging', [output], 0]);
    next.close();
  });
});

test('on a full disk, the oldest log makes space, and without log the output waits', async () => {
  const disk = await SmallDisk.mount(join(folder, 'disk'), 2 ** 20);
  const clock = new ManualClock();
  const journal = new Journal(join(disk.path, 'journal'));
  journal.writeProgress({});
  const store = new LogStore(join(disk.path, 'log'), 65_536, 0);
  try {
    let acknowledged = 0;
    const masker = new SecretMasker({ KEY: 'the-secret' }, journal.progress);
    const log = new CommandLog({ store, journal, masker, clock, stored: (position) => (acknowledged = position) });
    await disk.fill(0);
    log.append(Buffer.alloc(20_000, 'a'));
    // The shim keeps it.
    expect([acknowledged, store.end]).toEqual([0, 0]);
    await disk.free();
    clock.advance(1000);
    expect(acknowledged).toBe(20_000);
    await disk.fill(0);
    log.append(Buffer.alloc(30_000, 'b'));
    expect([acknowledged, store.end]).toEqual([50_000, 50_000]);
    expect(store.start).toBeGreaterThan(0);
    log.append(Buffer.from('cc the-sec'));
    await disk.free();
    await log.finish();
    expect(acknowledged).toBe(50_010);
    expect(journal.progress).toMatchObject({ received: 50_010, logged: 50_010 });
    expect(await readAll(store, store.start)).toBe(
      `${'a'.repeat(20_000)}${'b'.repeat(30_000)}cc the-sec`.slice(store.start),
    );
  } finally {
    store.close();
    journal.close();
    await disk.unmount();
  }
});
