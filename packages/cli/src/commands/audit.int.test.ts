import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';
import { ecsProblems } from '../../../../tools/ecs.mjs';

let cli: CliFixture;
let key: string;
const SOON = { timeout: 60_000, interval: 50 };

const ok = async (...words: string[]) => {
  const result = await cli.run(words);
  expect([words.join(' '), result.code, result.err]).toEqual([words.join(' '), 0, expect.any(String)]);
  return result.out;
};
const inFolder = (name: string) => join(cli.folder, name);
const checkpoints = () => join(cli.server.data, 'audit-checkpoints');

beforeAll(async () => {
  cli = await CliFixture.start();
  const secret = (name: string) =>
    JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Secret', metadata: { name }, spec: { data: { a: name } } });
  for (const name of ['one', 'two', 'three']) await cli.run(['apply', '-f', '-'], { stdin: secret(name) });
});

afterAll(async () => {
  await cli.stop();
});

test('actions reach the log, and its first checkpoint is signed immediately', async () => {
  // The first checkpoint is signed as soon as there is an entry.
  await expect.poll(async () => (await readdir(checkpoints()).catch(() => [])).length, SOON).toBe(1);
  const listed = async () => (await cli.run(['audit', 'list', '--kind', 'Secret', '-o', 'json'])).out;
  await expect.poll(async () => (JSON.parse(await listed()) as { items: unknown[] }).items.length, SOON).toBe(3);
  key = (await ok('audit', 'key')).trim();
});

test('search prints a table, and JSON for programs', async () => {
  const text = await ok('audit', 'list', '--kind', 'Secret', '--limit', '2');
  expect(text.split('\n')[0]).toMatch(/^SEQ +AGE +TYPE +SUBJECT +BY +OUTCOME +REASON$/);
  expect(text).toContain('Secret three');
  expect(text).not.toContain('Secret one');
  expect((await cli.run(['audit', 'list', '--outcome', 'denied'])).err).toContain('No matching entries');
  const since = ['audit', 'list', '--organization', '--from', '2026-01-01T00:00:00+01:00', '--actor', 'owner'];
  expect(await ok(...since)).toContain('Secret one');
  expect((await cli.run([...since, '--to', '2026-01-01T00:00:00Z'])).err).toContain('No matching entries');
  expect((await cli.run(['audit', 'list', '--from', 'yesterday'])).code).toBe(7);
  expect(await ok('audit', 'status')).toMatch(/entries: +\d+, of which 0 in archives/);
});

test('verification works with a server, and offline', async () => {
  expect(await ok('audit', 'verify')).toContain('verified');
  await writeFile(inFolder('audit.key'), `${key}\n`);
  expect(await ok('audit', 'verify', '--checkpoints', checkpoints(), '--public-key', 'audit.key')).toMatch(
    /^verified {2}\d+ entries against \d+ checkpoints?\.\n$/,
  );
  await ok('audit', 'export', '--format', 'jsonl', '--to', 'log.jsonl');
  const offline = ['audit', 'verify', '--export', 'log.jsonl', '--checkpoints', checkpoints(), '--public-key', key];
  const nowhere = ['--url', 'http://127.0.0.1:9'];
  expect((await cli.run([...offline, ...nowhere])).code).toBe(0);

  const whole = await readFile(inFolder('log.jsonl'), 'utf8');
  await writeFile(inFolder('log.jsonl'), whole.replace('"outcome":"succeeded"', '"outcome":"denied"'));
  const edited = await cli.run([...offline, ...nowhere]);
  expect(edited.code).toBe(1);
  expect(edited.out).toMatch(/^failed {2}The checkpoint over \d+ entries does not fit/);
  const [first = '', deleted = '', ...others] = whole.split('\n');
  expect(deleted).toContain('"seq":1,');
  await writeFile(inFolder('log.jsonl'), [first, ...others].join('\n'));
  const gap = await cli.run([...offline, ...nowhere, '-o', 'json']);
  expect((JSON.parse(gap.out) as { findings: string[] }).findings).toEqual(['Entry 1 is missing.']);
  await writeFile(inFolder('log.jsonl'), whole.slice(0, whole.indexOf('\n') + 1));
  const cut = await cli.run([...offline, ...nowhere, '-o', 'json']);
  const { findings } = JSON.parse(cut.out) as { findings: string[] };
  expect(findings.length === 0 || findings[0]?.startsWith('The end is cut off')).toBe(true);
  await writeFile(inFolder('log.jsonl'), whole);

  const [file = ''] = await readdir(checkpoints());
  const notes = await readFile(join(checkpoints(), file), 'utf8');
  await writeFile(inFolder('forged.txt'), notes.replace(/\n\d+\n/, '\n99\n'));
  const forged = await cli.run([...offline.map((word) => (word === checkpoints() ? 'forged.txt' : word)), ...nowhere]);
  expect([forged.code, forged.out]).toEqual([1, expect.stringContaining('was not signed with this key')]);
  expect((await cli.run(['audit', 'verify', '--export', 'log.jsonl'])).code).toBe(7);
  expect((await cli.run(['audit', 'verify', '--public-key', 'a+00000000+AAAA'])).code).toBe(7);
});

test('one entry is proven to a person who has only the key', async () => {
  await writeFile(inFolder('proof.json'), await ok('audit', 'proof', '0'));
  const check = ['audit', 'proof', '--check', 'proof.json', '--public-key', key, '--url', 'http://127.0.0.1:9'];
  expect(await ok(...check)).toContain('verified  The signed log contains the entry.');
  const text = await readFile(inFolder('proof.json'), 'utf8');
  await writeFile(inFolder('proof.json'), text.replace('succeeded', 'denied'));
  expect((await cli.run(check)).code).toBe(7);
});

test('an export continues at its end, and writes nothing twice, even after it was interrupted', async () => {
  const export_ = ['audit', 'export', '--format', 'ecs', '--to', 'ecs.ndjson'];
  await ok(...export_);
  const lines = async () => {
    const text = await readFile(inFolder('ecs.ndjson'), 'utf8');
    return text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: { sequence: number; action: string } });
  };
  const first = await lines();
  expect(first[0]).toMatchObject({
    event: { kind: 'event', outcome: 'success', dataset: 'dais.audit' },
    user: { name: 'dais' },
  });
  // The state after a kill during the write of the next page.
  const before = await readFile(inFolder('ecs.ndjson'), 'utf8');
  await writeFile(inFolder('ecs.ndjson'), `${before}{"@timestamp":"20`);
  const exported = async () => {
    await ok(...export_);
    return (await lines()).map((line) => line.event.action);
  };
  await expect.poll(exported, SOON).toContain('audit.exported');
  const all = (await lines()).map((line) => line.event.sequence);
  expect(all).toEqual(Array.from({ length: all.length }, (_, n) => n));
  const other = await cli.run(['audit', 'export', '--format', 'syslog', '--to', 'ecs.ndjson']);
  expect([other.code, other.err]).toEqual([4, expect.stringContaining('was started as ecs')]);
  await truncate(inFolder('ecs.ndjson'), 0);
});

test('a body of _bulk has each entry once as an ECS document, and continues at its end', async () => {
  const denied = { environment: { token: 'dais_pat_wrong' } };
  await cli.run(['get', 'secrets'], denied);
  const export_ = [
    'audit',
    'export',
    '--format',
    'elasticsearch',
    '--to',
    'bulk.ndjson',
    '--index',
    'logs-dais.audit-tests',
  ];
  await ok(...export_);
  const pairs = async () => {
    const text = await readFile(inFolder('bulk.ndjson'), 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    const lines = text
      .slice(0, -1)
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    return Array.from({ length: lines.length / 2 }, (_, n) => ({ action: lines[2 * n], document: lines[2 * n + 1] }));
  };
  const first = await pairs();
  expect(first.length).toBeGreaterThan(0);
  expect(first.flatMap(({ document }) => ecsProblems(document, 'dais').map((problem) => [problem, document]))).toEqual(
    [],
  );
  expect(first[0]?.action).toEqual({
    create: { _index: 'logs-dais.audit-tests', _id: expect.stringMatching(/^1\d{12}-0$/) },
  });
  const exported = async () => {
    await ok(...export_);
    return (await pairs()).map(({ document }) => (document as { event: { action: string } }).event.action);
  };
  await expect.poll(exported, SOON).toContain('audit.exported');
  const all = await pairs();
  expect(all.slice(0, first.length)).toEqual(first);
  expect(new Set(all.map(({ action }) => JSON.stringify(action))).size).toBe(all.length);
  const other = await cli.run([...export_.slice(0, -1), 'another']);
  expect([other.code, other.err]).toEqual([
    4,
    expect.stringContaining('was started as elasticsearch for logs-dais.audit-tests'),
  ]);
  expect(await ok('audit', 'export', '--format', 'elasticsearch', '--after', '0')).toMatch(
    /^\{"create":\{"_index":"logs-dais\.audit-default","_id":"\d+-1"\}\}\n\{/,
  );
});

test('syslog is framed by its length', async () => {
  const text = await ok('audit', 'export', '--format', 'syslog', '--after', '0');
  const bytes = Buffer.from(text, 'utf8');
  let frames = 0;
  for (let at = 0; at < bytes.length; frames++) {
    const blank = bytes.indexOf(32, at);
    const length = Number(bytes.subarray(at, blank).toString());
    const message = bytes.subarray(blank + 1, blank + 1 + length).toString('utf8');
    expect(message).toMatch(
      /^<10[89]>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ dais - \S+ \[dais@32473 seq="\d+" [^\n]*\] \uFEFF\{.*\}$/,
    );
    at = blank + 1 + length;
  }
  expect(frames).toBeGreaterThan(2);
});

test('a legal hold, and the erasure of a person', async () => {
  await ok('audit', 'hold', '--reason', 'case 12');
  expect(await ok('audit', 'status')).toContain('case 12');
  expect((await cli.run(['audit', 'forget', 'owner'])).code).toBe(4);
  await ok('audit', 'hold', '--end');
  expect(await ok('audit', 'forget', 'owner')).toContain('can no longer be read');
  expect(await ok('audit', 'list', '--kind', 'Secret')).toContain('(forgotten)');
  expect((await cli.run(['audit', 'hold'])).code).toBe(7);
  expect(await ok('audit', 'verify')).toContain('verified');
});
