/** The second layer of query isolation: what the process of a lane can do if the SQL checks fail. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { IsolationOptions } from '#engines/isolation/contract.ts';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { QueryEngine, QueryJob } from '../contract.ts';
import { column, named, scan } from '../model/build.ts';
import { expectFailure } from '../suite-bench.testing.ts';
import { openDuckdbQuery } from './duckdb-query.ts';
import { StagedJob } from './job-files.ts';
import { queryRun } from './query-process.ts';

const MIB = 2 ** 20;

/** Machine types. Without control groups, limits are enforced per process and by a watchdog. */
const MACHINES: readonly (readonly [string, IsolationOptions])[] = [
  ['bubblewrap with control groups', {}],
  ['bubblewrap without control groups', { limits: 'rlimit' }],
  ['bubblewrap without /proc', { boundaries: ['bubblewrap-without-proc'] }],
  ['Landlock without control groups', { boundaries: ['landlock'], limits: 'rlimit' }],
];

let root: string;
const ends: (() => Promise<void>)[] = [];
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'dais-query-isolation-'));
  ends.push(async () => await rm(root, { recursive: true }));
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

function open(options: IsolationOptions): QueryEngine {
  const isolation = openIsolation(options);
  const engine = openDuckdbQuery({
    folder: path.join(root, 'scratch'),
    memoryMb: 512,
    tempMb: 512,
    threads: 2,
    clock: systemClock,
    log: silentLog,
    isolation,
  });
  ends.push(async () => {
    await engine.close();
    await isolation.close();
  });
  return engine;
}

const numbers = {
  columns: [{ name: 'n', type: 'int64' as const }],
  rows: Array.from({ length: 8 }, (_, n) => [n]),
};

function sqlJob(sql: string, owner: string): QueryJob {
  return {
    tables: { t: numbers },
    query: { type: 'sql', dialect: 'duckdb', sql, views: { v: scan('t') } },
    output: { type: 'rows', limit: 10 },
    owner,
  };
}

/** 900 MB that the limit of DuckDB does not count. */
const GREEDY = "SELECT length(repeat('x', 900000000)) AS l FROM v";

/** Reads a CSV, writes Parquet and CSV, and reads the Parquet. */
async function expectReadsAndWrites(engine: QueryEngine, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const people = path.join(folder, 'people.csv');
  await writeFile(people, 'id,name\n1,Ada\n2,Grace\n', { mode: 0o600 });
  const written = await engine.run({
    tables: { t: { files: [{ path: people, format: 'csv' }] } },
    query: scan('t'),
    output: { type: 'parquet', folder, name: 'part' },
    more: [{ query: scan('t', ['name']), output: { type: 'csv', path: path.join(folder, 'names.csv') } }],
  });
  expect(written.files).toMatchObject([{ path: path.join(folder, 'part-00000.parquet'), rows: 2 }]);
  expect(await readFile(path.join(folder, 'names.csv'), 'utf8')).toBe('name\nAda\nGrace\n');
  const read = await engine.run({
    tables: { t: { files: written.files.map((file) => ({ path: file.path, format: 'parquet' as const })) } },
    query: { type: 'project', from: scan('t'), columns: [named('name', column('name'))] },
    output: { type: 'rows', limit: 10 },
  });
  expect(read.rows).toEqual([['Ada'], ['Grace']]);
  expect(await engine.describe({ files: [{ path: people, format: 'csv' }] })).toMatchObject({
    files: [{ path: people, compression: 'none' }],
  });
}

/** Prints successful attacks. Arguments: a file and a folder of other users, the input and work folders of its lane, a port. */
const HOSTILE = String.raw`
use strict;
use Socket;
my ($canary, $outside, $inputs, $work, $port, $tester) = @ARGV;
my ($own, $given, $tcp);
sub could { print "it $_[0]\n" }
open $own, '>', "$work/own" and print $own 'x' and close $own or could('cannot write its folder');
open $given, '<', "$inputs/given" and defined(<$given>) or could('cannot read its input');
open my $change, '>>', "$inputs/given" and could('changes its input');
open my $more, '>', "$inputs/more" and could('writes to its inputs');
open my $secret, '<', $canary and could('reads a file of the server');
opendir my $folder, $outside and could('lists a folder of the server');
open my $write, '>>', $canary and could('changes a file of the server');
open my $new, '>', "$outside/new" and could('makes a file of the server');
link "$inputs/given", "$work/linked" and could('links its input into its folder');
kill 0, $tester and could('can signal the server');
socket $tcp, PF_INET, SOCK_STREAM, 0 and connect $tcp, pack_sockaddr_in($port, INADDR_LOOPBACK) and could('reaches a port');
for my $place ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', '/sys/kernel/mm/ksm/run') {
  open my $setting, '>>', $place and could("can write $place");
}
my $status = '';
for my $place ("/proc/$$/status", '/proc/self/status') { if ($status eq '' && open my $file, '<', $place) { local $/; $status = <$file> } }
if (length $status) {
  could('has capabilities') unless $status =~ /^CapEff:\t0+$/m && $status =~ /^CapPrm:\t0+$/m;
  could('may gain rights') unless $status =~ /^NoNewPrivs:\t1$/m && $status =~ /^Seccomp:\t2$/m;
}
system('unshare -U true 2>/dev/null') == 0 and could('makes a user namespace');
my @made;
for (1 .. 200) { my $child = fork; last unless defined $child; if (!$child) { sleep 5; exit } push @made, $child }
# A watchdog needs a moment to end this; where fork fails, nothing is left to wait for.
sleep 5 if @made > 64;
could('makes ' . @made . ' processes') if @made > 100;
kill 'KILL', @made;
print "end\n";
`;

describe.each(MACHINES)('%s', (_, options) => {
  test('queries read, write and describe files', async () => {
    await expectReadsAndWrites(open(options), path.join(root, 'files'));
  });

  test('a program in place of the query process reaches only the files of the job', async () => {
    const isolation = openIsolation(options);
    ends.push(async () => await isolation.close());
    const folders = { inputs: path.join(root, 'in'), work: path.join(root, 'work') };
    for (const folder of [...Object.values(folders), path.join(root, 'outside')]) await mkdir(folder, { mode: 0o700 });
    await writeFile(path.join(folders.inputs, 'given'), 'given\n', { mode: 0o600 });
    const canary = path.join(root, 'outside', 'canary');
    await writeFile(canary, 'canary');
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(async () => await new Promise<void>((resolve) => server.close(() => resolve())));
    const { port } = server.address() as AddressInfo;
    const words = [canary, path.dirname(canary), folders.inputs, folders.work, String(port), String(process.pid)];
    const limits = { memoryBytes: 512 * MIB, cpu: 2, processes: 64, diskBytes: 64 * MIB };
    let output = '';
    const started = await isolation.start(queryRun({ folders, limits }, ['perl', '-e', HOSTILE, ...words]), {
      variables: { PATH: '/usr/local/bin:/usr/bin:/bin' },
      onOutput: (chunk) => (output += chunk.toString('utf8')),
    });
    started.ref();
    const { cause, reason } = await started.ended;
    // A watchdog ends it when it creates too many processes; control groups reject them.
    const limited = 'The query process used more than its limit of 64 processes and threads and was terminated';
    expect(['end\n', limited]).toContain(cause === 'processes' ? reason : output);
    expect(await readFile(canary, 'utf8')).toBe('canary');
    expect(await readFile(path.join(folders.inputs, 'given'), 'utf8')).toBe('given\n');
  });
});

// Each of the other two limits memory like one of these.
test.each([MACHINES[0]!, MACHINES[3]!])(
  '%s: SQL that exhausts memory ends only its process, with a reason',
  async (_, options) => {
    const engine = open(options);
    const failure = await expectFailure(engine.run(sqlJob(GREEDY, 'a')));
    expect(failure).toMatchObject({
      code: 'query_limit',
      message: expect.stringContaining('query.memoryMb') as string,
    });
    expect((await engine.run(sqlJob('SELECT max(n) FROM v', 'a'))).rows).toEqual([[7]]);
  },
);

test('without isolation, queries run in a process with limits', async () => {
  const engine = open({ path: '/nonexistent' });
  await expectReadsAndWrites(engine, path.join(root, 'files'));
});

test('does not reuse a process for the SQL of another owner', async () => {
  const engine = open({});
  const pidAfter = async (owner: string) => {
    await engine.run(sqlJob('SELECT max(n) FROM v', owner));
    return engine.state().pids;
  };
  const first = await pidAfter('a');
  expect(await pidAfter('a')).toEqual(first);
  expect(await pidAfter('b')).not.toEqual(first);
  expect(engine.state().pids).toHaveLength(1);
});

test('reads and writes files of another file system', async () => {
  const folder = await mkdtemp('/dev/shm/dais-query-');
  ends.push(async () => await rm(folder, { recursive: true }));
  const engine = open({});
  await expectReadsAndWrites(engine, folder);
  await expectReadsAndWrites(engine, path.join(root, 'files'));
});

test('does not move a link in place of an output, and does not change its target', async () => {
  const folders = { inputs: path.join(root, 'in'), work: path.join(root, 'work') };
  for (const folder of Object.values(folders)) await mkdir(folder);
  const canary = path.join(root, 'canary');
  await writeFile(canary, 'canary');
  const location = path.join(root, 'out.csv');
  const job: QueryJob = { tables: {}, query: scan('t'), output: { type: 'csv', path: location } };
  const head = { columns: [], truncated: false, rowCount: 1 };
  const answer = (written: string) => ({
    type: 'run' as const,
    statements: [{ ...head, files: [{ path: written, rows: 1, bytes: 1 }] }],
    rejects: { count: 0, first: [] },
  });
  for (const [n, written] of [canary, path.join(folders.work, '1', 'out-0', 'out'), '/etc/passwd'].entries()) {
    const staged = await StagedJob.stage({ type: 'run', job }, String(n), folders);
    await symlink(canary, path.join(staged.folder, 'out-0', 'out'));
    await expectFailure(staged.finish(answer(written)));
    await staged.clear();
  }
  expect(await readFile(canary, 'utf8')).toBe('canary');
  expect((await readdir(root)).toSorted()).toEqual(['canary', 'in', 'work']);
  expect([await readdir(folders.inputs), await readdir(folders.work)]).toEqual([[], []]);
});
