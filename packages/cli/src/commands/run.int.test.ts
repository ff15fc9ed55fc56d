import { mkdir, mkdtemp, truncate, writeFile, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import type { Execution } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '#processes.ts';
import { CliFixture } from '#testing/cli-fixture.ts';

let dais: CliFixture;

beforeAll(async () => {
  dais = await CliFixture.shared();
});
afterAll(async () => {
  await dais.stop();
});

async function folderOf(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(dais.folder, 'code-'));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

async function git(folder: string, ...args: readonly string[]): Promise<void> {
  const who = ['-c', 'user.name=Tester', '-c', 'user.email=tester@example.com'];
  const variables = { PATH: process.env['PATH'], HOME: dais.folder };
  const done = await runProgram('git', ['-C', folder, ...who, ...args], { variables });
  expect([done.code, done.stderr]).toEqual([0, done.stderr]);
}

/** Without isolation, which does not matter here and is slower. */
const RUN = ['run', '--isolation', 'none'];

test('a command runs with the code of the folder, and its output and exit code are returned', async () => {
  const folder = await folderOf({
    'go.sh': '#!/bin/sh\ncat data/in; echo "$1 $WORD $OTHER"; exit 7\n',
    'data/in': 'in\n',
  });
  await chmod(join(folder, 'go.sh'), 0o755);
  await writeFile(join(dais.folder, 'vars'), '# comment\nOTHER=a=b\n');
  const options = ['--env', 'WORD=hi', '--env-file', join(dais.folder, 'vars'), '--name', 'gone'];
  const { code, out, err } = await dais.run([...RUN, ...options, '--', './go.sh', '--flag x'], {
    workingFolder: folder,
  });
  expect([code, out]).toEqual([7, 'in\n--flag x hi a=b\n']);
  expect(err).toMatch(/^Job [0-9a-f-]{36}\nerror: exited with code 7\n$/);
  const { out: list } = await dais.run(['runs', '--name', 'gone', '-o', 'json']);
  const { items } = JSON.parse(list) as { items: Execution[] };
  expect(items).toMatchObject([{ name: 'gone', state: 'failed', submittedBy: 'user:owner' }]);
});

test('ignored files of a git checkout are excluded, and the commit is recorded', async () => {
  const folder = await folderOf({ 'a.txt': 'a', 'b.tmp': 'b', '.gitignore': '*.tmp\n', 'sub/c.txt': 'c' });
  await git(folder, 'init', '-q');
  await git(folder, 'add', '.');
  await git(folder, 'commit', '-q', '-m', 'first');
  const listed = await dais.run([...RUN, '-o', 'json', '--', 'find', '.', '-name', '*.t*'], { workingFolder: folder });
  expect(
    listed.err
      .split('\n')
      .filter((line) => line.startsWith('./'))
      .toSorted(),
  ).toEqual(['./a.txt', './sub/c.txt']);
  const run = JSON.parse(listed.out) as Execution;
  expect(run).toMatchObject({
    state: 'succeeded',
    code: { commit: expect.stringMatching(/^[0-9a-f]{40}$/), dirty: false },
  });
  await writeFile(join(folder, 'a.txt'), 'changed');
  const changed = await dais.run([...RUN, '-o', 'json', '--', 'cat', 'a.txt'], { workingFolder: folder });
  expect((JSON.parse(changed.out) as Execution).code?.dirty).toBe(true);
  expect(changed.err).toContain('changed');
});

test('too much code is rejected with the names of its largest files', async () => {
  const folder = await folderOf({ 'train.py': '', 'data.bin': '' });
  await truncate(join(folder, 'data.bin'), 101 * 1024 * 1024);
  const { code, err } = await dais.run([...RUN, '--', 'true'], { workingFolder: folder });
  expect(code).toBe(7);
  expect(err).toContain('data.bin (101.0 MiB)');
  expect((await dais.run([...RUN, '--no-code', '--', 'true'], { workingFolder: folder })).code).toBe(0);
});

test('a run submitted without waiting is followed by its id', async () => {
  const folder = await folderOf({});
  const { out } = await dais.run([...RUN, '--no-wait', '-o', 'name', '--', 'sh', '-c', 'echo one; echo two'], {
    workingFolder: folder,
  });
  const logs = await dais.run(['logs', '-f', out.trim()]);
  expect([logs.code, logs.out]).toEqual([0, 'one\ntwo\n']);
});

test('Ctrl-C cancels the run', async () => {
  const abort = new AbortController();
  const folder = await folderOf({});
  const running = dais.run([...RUN, '--name', 'long', '--', 'sh', '-c', 'echo up; exec sleep 300'], {
    workingFolder: folder,
    signal: abort.signal,
    onOut: () => abort.abort(),
  });
  const { code, err } = await running;
  expect(code).toBe(130);
  expect(err).toContain('Canceling the job');
  const { out } = await dais.run(['runs', '--name', 'long', '-o', 'json']);
  expect(JSON.parse(out)).toMatchObject({ items: [{ state: 'canceled' }] });
});

test('invalid combinations of options are reported', async () => {
  const folder = await folderOf({});
  for (const [option, value] of [
    ['--memory', 'much'],
    ['--disk', '0'],
    ['--cpu', '-1'],
    ['--env', 'X'],
    ['--secret', 'X=y'],
  ] as const) {
    const { code, err } = await dais.run([...RUN, `${option}=${value}`, '--', 'true'], { workingFolder: folder });
    expect([code, err]).toEqual([
      7,
      expect.stringMatching(new RegExp(`^error: Invalid value "[^"]*" for ${option}: expected `)),
    ]);
  }
});

test('unchanged files of an earlier run are not sent again, and are found by content', async () => {
  const folder = await folderOf({ 'go.sh': 'cat b.txt; sh a/go.sh', 'a/go.sh': 'echo in a', 'b.txt': 'b\n' });
  const sent: string[] = [];
  const running = async () => {
    const { code, out, err } = await dais.run([...RUN, '--', 'sh', 'go.sh'], { workingFolder: folder });
    sent.push(/\((\d+) files?, /.exec(err)?.[1] ?? '');
    return [code, out];
  };
  expect(await running()).toEqual([0, 'b\nin a\n']);
  await writeFile(join(folder, 'b.txt'), 'changed\n');
  expect(await running()).toEqual([0, 'changed\nin a\n']);
  // The run whose files were reused can be deleted.
  const { out } = await dais.run(['runs', '-o', 'json', '--limit', '2']);
  const [newest, older] = (JSON.parse(out) as { items: Execution[] }).items;
  const files = async (id: string) => {
    const answer = await fetch(`${dais.server.url}/api/v1/executions/${id}/files?prefix=code/`);
    return ((await answer.json()) as { items: { name: string }[] }).items.map(({ name }) => name);
  };
  await fetch(`${dais.server.url}/api/v1/executions/${older!.id}`, { method: 'DELETE' });
  expect(await files(newest!.id)).toEqual(['code/a/go.sh', 'code/b.txt', 'code/go.sh']);
  expect(await running()).toEqual([0, 'changed\nin a\n']);
});

test('a file that the named run does not have is rejected', async () => {
  const { out } = await dais.run([...RUN, '--no-wait', '-o', 'name', '--', 'true'], {
    workingFolder: await folderOf({ 'a.txt': 'a' }),
  });
  const submit = async (path: string, sha256: string) => {
    const same = { run: out.trim(), path, sha256 };
    const steps = { main: { command: ['true'], isolation: 'none' } };
    const answer = await fetch(`${dais.server.url}/api/v1/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ steps, code: { files: [{ path: 'x', same }] } }),
    });
    return [answer.status, ((await answer.json()) as { code: string }).code];
  };
  expect(await submit('a.txt', '0'.repeat(64))).toEqual([404, 'content_missing']);
  expect(await submit('../a.txt', '0'.repeat(64))).toEqual([404, 'not_found']);
});

test('a run is rerun, and differences are named', async () => {
  const folder = await folderOf({ 'go.sh': 'date +%N > when; echo same > always\n' });
  const keep = ['--keep', 'when', '--keep', 'always'];
  const { out } = await dais.run([...RUN, ...keep, '--experiment', 'again', '-o', 'name', '--', 'sh', 'go.sh'], {
    workingFolder: folder,
  });
  const again = await dais.run(['reproduce', out.trim()]);
  expect([again.code, again.out]).toEqual([
    10,
    expect.stringMatching(
      /^main: output when: [0-9a-f]{64} → [0-9a-f]{64}\nIdentical: 1 output and 0 logged values; code, packages and/,
    ),
  ]);
  const result = await dais.run(['reproduce', out.trim(), '-o', 'json']);
  expect(JSON.parse(result.out)).toMatchObject({
    run: { state: 'succeeded', retryOf: out.trim() },
    of: out.trim(),
    differences: [{ step: 'main', what: 'output', name: 'when' }],
    same: { outputs: 1, logged: 0 },
  });
});

test('a command reads a version of a dataset, and its output becomes a version', async () => {
  const workingFolder = await folderOf({ 'trips.csv': 'id,km\n1,5\n2,7\n', 'more.csv': 'id,km\n1,5\n2,7\n3,9\n' });
  expect((await dais.run(['data', 'push', 'trips', 'trips.csv'], { workingFolder })).code).toBe(0);
  const data = ['--data', 'trips@latest', '--data-format', 'csv', '--data-out', 'copies=copy.csv', '-o', 'name'];
  const script = 'cp "$DAIS_DATA_TRIPS/rows.csv" copy.csv; echo "$DAIS_DATA_TRIPS_VERSION"';
  const run = await dais.run([...RUN, ...data, '--no-code', '--', 'sh', '-c', script], { workingFolder });
  expect([run.code, run.err]).toEqual([0, expect.stringContaining('trips@1')]);
  const copies = async () => (await dais.run(['data', 'sql', 'select id, km from copies order by id'])).out;
  await expect.poll(copies, { timeout: 60_000 }).toMatch(/1 +5\n2 +7\n$/);
  expect((await dais.run(['data', 'push', 'trips', 'more.csv'], { workingFolder })).code).toBe(0);
  // The pinned version, not the latest.
  const again = await dais.run(['reproduce', run.out.trim()]);
  expect([again.code, again.out]).toEqual([0, expect.stringMatching(/^No differences: 1 output/)]);
  const none = await dais.run([...RUN, '--data', 'nowhere@3', '--no-code', '--', 'true']);
  expect([none.code, none.err]).toEqual([3, expect.stringContaining('There is no dataset nowhere')]);
});
