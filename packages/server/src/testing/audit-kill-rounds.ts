/** Kills a whole Dais repeatedly while clients write; then verifies the audit log from outside. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { parseCheckpoint } from '@dais/api/tlog';
import { expect } from 'vitest';
import { run } from '#lib/process.ts';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf } from './dais-process.ts';
import { cliProgram } from './cli.ts';

export interface AuditKillReport {
  /** Applies that were answered with success. */
  readonly acknowledged: number;
  /** Checkpoints that reached the receiver, each counted once. */
  readonly received: number;
  readonly problems: readonly string[];
  /** The result of `dais audit verify` on exported data, after Dais has ended. */
  readonly verified: { readonly ok: boolean; readonly checkpoints: number; readonly findings: readonly string[] };
  readonly exitCode: number | string;
}

const WRITERS = 4;
/** Resources of one apply, each an entry: enough that checkpoints fall due by number while writers run. */
const DOCUMENTS = 40;
const PATIENCE = { timeout: 120_000, interval: 50 };

interface Entry {
  readonly event: string;
  readonly requestId?: string;
  readonly subject?: { readonly kind: string; readonly name?: string };
}

export async function auditKillRounds(folder: string, rounds: number, random: () => number): Promise<AuditKillReport> {
  const receiver = await startReceiver();
  const port = await freePort();
  /** Request ids of applies, by whether success was answered. */
  const applies = new Map<string, boolean>();
  const problems: string[] = [];
  const acknowledged = () => [...applies.values()].filter(Boolean).length;
  const data = join(folder, 'data');
  const outside = join(folder, 'outside');
  const launch = async () => {
    const dais = startDaisProcess({
      data,
      'keys.folder': join(folder, 'keys'),
      'audit.checkpoints.folder': outside,
      'audit.checkpoints.webhook': receiver.url,
      port,
    });
    return { dais, url: await dais.ready };
  };
  const write = async (url: string, writer: number, round: number, signal: AbortSignal) => {
    const id = `w-${round}-${writer}-${applies.size}`;
    applies.set(id, false);
    const documents = Array.from({ length: DOCUMENTS }, (_, n) =>
      JSON.stringify({
        apiVersion: 'dais.dev/v1',
        kind: 'Secret',
        metadata: { name: `s-${writer}-${n}` },
        spec: { description: id, data: { key: 'value' } },
      }),
    );
    const response = await fetch(`${url}/api/v1/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': id },
      body: JSON.stringify({ sources: [{ file: 'x', text: documents.join('\n---\n') }] }),
      signal,
    });
    await response.text();
    if (response.status === 200) applies.set(id, true);
    // While the process shuts down it may respond that it stops or that its database is unavailable; other responses
    // are errors.
    else if (response.status !== 503) problems.push(`status ${response.status}`);
  };

  for (let round = 0; round < rounds; round++) {
    const { dais, url } = await launch();
    const over = new AbortController();
    const writers = Array.from({ length: WRITERS }, async (_, writer) => {
      while (!over.signal.aborted) await write(url, writer, round, over.signal).catch(() => delay(5));
    });
    const reached = acknowledged();
    await expect.poll(acknowledged, PATIENCE).toBeGreaterThan(reached + random() * 20);
    await delay(random() * 500);
    if (random() < 0.3) {
      // First only the control process: its supervisor starts another, which continues the log.
      const control = controlOf(dais.process.pid!);
      if (control !== undefined) process.kill(control, 'SIGKILL');
      await delay(random() * 1500);
    }
    await killTree(dais);
    over.abort();
    await Promise.all(writers);
  }

  const { dais, url } = await launch();
  const read = async <T>(path: string) => (await (await fetch(`${url}/api/v1${path}`)).json()) as T;
  // A last apply follows all others: when it has its entries, they have theirs.
  await write(url, 0, rounds, AbortSignal.timeout(PATIENCE.timeout));
  const last = [...applies.keys()].at(-1)!;
  const ofLast = `/organization/audit/entries?requestId=${last}&limit=${DOCUMENTS}`;
  await expect.poll(async () => (await read<{ items: unknown[] }>(ofLast)).items.length, PATIENCE).toBe(DOCUMENTS);
  const known = (await read<{ checkpoint?: { size: number } }>('/organization/audit/status')).checkpoint?.size ?? 0;
  await expect.poll(() => receiver.notes.some(({ size }) => size >= known), PATIENCE).toBe(true);
  // In this order: what is exported has every entry that one of these checkpoints covers.
  const own = join(folder, 'own');
  await cp(join(data, 'audit-checkpoints'), own, { recursive: true });
  await cp(outside, join(folder, 'carried'), { recursive: true });
  const received = new Map(receiver.notes.map(({ note }) => [note, parseCheckpoint(note)?.checkpoint.size]));
  await writeFile(join(folder, 'received.txt'), [...received.keys()].map((note) => `${note}\n`).join(''));
  expectOrder(receiver.notes, problems);
  const { verifierKey } = await read<{ verifierKey: string }>('/organization/audit/key');
  const log = join(folder, 'log.jsonl');
  await runDais(['audit', 'export', '--format', 'jsonl', '--to', log, '--url', url], folder);

  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGTERM');
  const exitCode = await dais.ended;
  await expect.poll(() => tree.filter(isAlive), PATIENCE).toEqual([]);
  await receiver.stop();
  expectEntries(await readFile(log, 'utf8'), applies, problems);
  const files = [own, join(folder, 'carried'), join(folder, 'received.txt')];
  const verify = ['audit', 'verify', '--export', log, '--public-key', verifierKey, '-o', 'json'];
  const answer = await runDais([...verify, ...files.flatMap((file) => ['--checkpoints', file])], folder);
  return {
    acknowledged: acknowledged(),
    received: received.size,
    problems,
    verified: JSON.parse(answer) as AuditKillReport['verified'],
    exitCode,
  };
}

/** Each acknowledged apply has one entry for each of its resources; any other has them all or none. */
function expectEntries(log: string, applies: ReadonlyMap<string, boolean>, problems: string[]): void {
  const entries = log
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
  if (new Set(entries.map(({ event }) => event)).size !== entries.length) problems.push('an event has two entries');
  const written = new Map<string, string[]>();
  for (const { requestId = '', subject } of entries) {
    if (subject?.kind === 'Secret') written.set(requestId, [...(written.get(requestId) ?? []), subject.name ?? '']);
  }
  for (const [id, acknowledged] of applies) {
    const names = written.get(id) ?? [];
    const whole = names.length === DOCUMENTS && new Set(names).size === DOCUMENTS;
    if (whole || (!acknowledged && names.length === 0)) continue;
    problems.push(`${id}, ${acknowledged ? 'acknowledged' : 'not acknowledged'}: ${names.length} entries`);
  }
}

/** A receiver gets the checkpoints in order; a repetition is identical. */
function expectOrder(notes: readonly ReceivedNote[], problems: string[]): void {
  let highest = 0;
  const bySize = new Map<number, string>();
  for (const { size, note } of notes) {
    const before = bySize.get(size);
    if (before === undefined && size < highest) problems.push(`checkpoint over ${size} came after ${highest}`);
    if (before !== undefined && before !== note) problems.push(`two checkpoints over ${size}`);
    bySize.set(size, note);
    highest = Math.max(highest, size);
  }
}

/** Runs the command line in a separate process. Returns its standard output. */
async function runDais(args: readonly string[], folder: string): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [...cliProgram(), ...args], {
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    timeoutMs: PATIENCE.timeout,
    maxOutputBytes: 1 << 24,
  });
  if (stdout.length === 0 && args.includes('json')) throw new Error(stderr);
  return stdout.toString('utf8');
}

interface ReceivedNote {
  readonly size: number;
  readonly note: string;
}

/** Stores posted bodies, in order. */
async function startReceiver() {
  const notes: ReceivedNote[] = [];
  const server = createServer((request, response) => {
    void text(request).then((note) => {
      notes.push({ size: Number(request.headers['dais-checkpoint-size']), note });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    notes,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
