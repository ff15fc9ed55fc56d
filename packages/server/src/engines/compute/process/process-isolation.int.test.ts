/** Restrictions of an isolated task. Root is needed for a folder below /opt and to check that the task gets another uid. */
import { once } from 'node:events';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import type { TaskSpec } from '../contract.ts';
import { expectRefusal, input, never, outputsOf, shell, textOf, untilWritten } from '../suite.ts';
import { startEngine, type TestEngine } from './engine.testing.ts';
import { openProcessCompute } from './process-compute.ts';
import type { UserReport } from './ordinary-user.testing.ts';
import { INSIDE } from './step-isolation.ts';

let engine: TestEngine;
let data: string;
let keys: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'dais-data-'));
  // Below a folder that every task sees.
  keys = await mkdtemp('/opt/dais-keys-');
  for (const [folder, name] of [
    [join(data, 'blobs', 'sha256'), 'blob'],
    [keys, 'key'],
  ] as const) {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await writeFile(join(folder, name), 'PRECIOUS', { mode: 0o644 });
  }
  engine = await startEngine({ hidden: [data, keys] });
  const { isolationProblem } = await engine.compute.abilities();
  if (isolationProblem !== undefined) throw new Error(isolationProblem);
});
afterAll(async () => {
  await engine?.end();
  await rm(data, { recursive: true });
  await rm(keys, { recursive: true });
});

const isolated = (script: string, changes: Partial<TaskSpec> = {}): TaskSpec =>
  shell(script, { isolation: 'required', ...changes });

test('sees neither blobs nor keys nor the data folder', async () => {
  const script = `cat ${data}/blobs/sha256/blob ${keys}/key; ls -A ${data} ${keys}; find / -xdev -name blob -o -xdev -name 'owner-token' 2>/dev/null; grep -rs PRECIOUS /opt /tmp /etc; true`;
  const text = await engine.outputOf(isolated(script));
  expect(text).not.toContain('PRECIOUS');
  expect(text).toMatch(/No such file/);
});

test('sees no database socket', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-socket-'));
  const server = createSocketServer();
  server.listen(join(folder, '.s.PGSQL.5432'));
  await once(server, 'listening');
  try {
    expect(await engine.outputOf(isolated(`ls -A /tmp /run /var/run ${folder}; find / -xdev -type s`))).not.toContain(
      'PGSQL',
    );
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

test('sees neither folders nor processes of other tasks', async () => {
  const other = isolated('echo mine >private; echo up; exec sleep 1000');
  await engine.compute.submit(other);
  await untilWritten(engine.compute, other.attempt, 'up');
  const script = `ls -A ${engine.folder}/compute/tasks; find / -xdev -name private; grep -ls 'slee[p]' /proc/[0-9]*/cmdline; ls -d /proc/[0-9]*; kill -9 -1; echo end`;
  const text = await engine.outputOf(isolated(script));
  expect(text).not.toMatch(/private|cmdline|a-[0-9a-f]{8}-[0-9a-f-]+\n/);
  expect(text.match(/^\/proc\/\d+$/gm)!.length).toBeLessThan(8);
  expect(await engine.compute.status(other.attempt)).toMatchObject({ phase: 'running' });
  await engine.compute.forget(other.attempt);
});

test('runs as an unprivileged user without capabilities', async () => {
  const text = await engine.outputOf(isolated('id -u; id -G; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status'));
  const [uid, groups, ...rest] = text.trim().split('\n');
  expect(Number(uid)).toBeGreaterThan(1_000_000_000);
  expect(groups).toBe(uid);
  expect(rest.map((line) => line.replaceAll(/\s+/g, ' '))).toEqual([
    'CapEff: 0000000000000000',
    'CapBnd: 0000000000000000',
    'NoNewPrivs: 1',
  ]);
});

test('cannot create a user namespace, mount or read keys', async () => {
  const script = `unshare -U true 2>&1; unshare -Ur true; mount -t tmpfs x /tmp; keyctl show 2>/dev/null; grep Seccomp: /proc/self/status; (true) && echo forks`;
  const text = await engine.outputOf(isolated(script));
  expect(text.match(/Operation not permitted|permission denied|must be superuser/gi)!.length).toBeGreaterThanOrEqual(2);
  expect(text).toMatch(/Seccomp:\s+2\nforks\n$/);
});

test('writes only into its own folders', async () => {
  const locations = ['/', '/usr', '/usr/bin', '/etc', '/opt', '/bin', '/home', '/proc/sys/kernel', '/sys', '/var'];
  const script = `for place in ${locations.join(' ')}; do touch $place/x 2>/dev/null && echo "wrote $place"; done
    for place in ${INSIDE.work} ${INSIDE.tmp} /var/tmp "$HOME" "$TMPDIR" /dev/shm; do touch $place/x || echo "not $place"; done; pwd; echo "$HOME $TMPDIR"`;
  expect(await engine.outputOf(isolated(script))).toBe(`${INSIDE.work}\n${INSIDE.home} ${INSIDE.tmp}\n`);
});

test('reads the files that programs need in /etc', async () => {
  const script = 'head -c 4 /etc/passwd && ls /etc/ssl >ls && test -s ls && ls /sys/devices/system >ls && test -s ls';
  expect(await engine.outputOf(isolated(script))).toBe('root');
});

test('reaches no service of this machine, with and without network access', async () => {
  const server = createServer((_request, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const script = `exec 5<>/dev/tcp/127.0.0.1/${port} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&5 && cat <&5; ls /sys/class/net 2>/dev/null; tail -n +3 /proc/net/dev | cut -d: -f1`;
  const connect = (network: boolean): TaskSpec => ({ ...isolated(''), command: ['bash', '-c', script], network });
  try {
    for (const network of [false, true]) {
      const text = await engine.outputOf(connect(network));
      expect(text).not.toContain('hello');
      expect(text.trim().split('\n').at(-1)!.trim()).toBe('lo');
    }
  } finally {
    server.close();
  }
});

test('without network access it reaches the configured ports, also after a restart of Dais', async () => {
  const reaching = await startEngine({ reach: [{ port: 7070, accept: greet }] });
  try {
    const script = `for n in 1 2; do
        until output=$(cat </dev/tcp/127.0.0.1/7070) 2>/dev/null && [ -n "$output" ]; do sleep 0.05; done; echo "$output"
        [ $n = 2 ] || until [ -e again ]; do sleep 0.02; done
      done
      for port in 7071 22; do cat </dev/tcp/127.0.0.1/$port || echo nothing else; done`;
    const spec: TaskSpec = { ...isolated(''), command: ['bash', '-c', script] };
    await reaching.compute.submit(spec);
    await untilWritten(reaching.compute, spec.attempt, `hello ${spec.attempt}\n`);
    await reaching.compute.close();
    const root = join(reaching.folder, 'compute');
    const again = await openProcessCompute({
      root,
      clock: systemClock,
      log: silentLog,
      reach: [{ port: 7070, accept: greet }],
    });
    await writeFile(join(root, 'tasks', spec.attempt, 'box', 'work', 'again'), '');
    expect(await again.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', code: 0 });
    const text = await textOf(again, spec.attempt);
    expect(text.match(/hello/g)).toHaveLength(2);
    expect(text.match(/nothing else/g)).toHaveLength(2);
    await again.close();
  } finally {
    await reaching.end();
  }
});

test('many tasks at the same time reach the configured ports, also after the end of the process that opens them', async () => {
  const reaching = await startEngine({ reach: [{ port: 7070, accept: greet }] });
  try {
    const script = 'cat </dev/tcp/127.0.0.1/7070';
    const reach = async () => {
      const spec: TaskSpec = { ...isolated(''), command: ['bash', '-c', script] };
      expect(await reaching.outputOf(spec)).toBe(`hello ${spec.attempt}\n`);
    };
    await Promise.all(Array.from({ length: 6 }, reach));
    const helpers = await processesNamed('dais-relay');
    expect(helpers).toHaveLength(1);
    for (const pid of helpers) process.kill(pid, 'SIGKILL');
    await Promise.all(Array.from({ length: 3 }, reach));
    await reaching.compute.close();
    await vi.waitFor(async () => expect(await processesNamed('dais-relay')).toEqual([]), 5000);
  } finally {
    await reaching.end();
  }
});

/** Of this process. */
async function processesNamed(name: string): Promise<readonly number[]> {
  const children = await readFile(`/proc/self/task/${process.pid}/children`, 'utf8');
  const named: number[] = [];
  for (const pid of children.trim().split(' ').filter(Boolean)) {
    const title = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
    if (title.startsWith(name)) named.push(Number(pid));
  }
  return named;
}

test('without control groups, the usage of a short task contains its CPU', async () => {
  const alone = await startEngine({ limits: 'rlimit' });
  try {
    const state = await alone.finish(isolated('n=0; while [ "$n" -lt 50000 ]; do n=$((n + 1)); done'));
    if (state?.phase !== 'ended') throw new Error(`The task is ${state?.phase}.`);
    expect(state.usage.cpuMs).toBeGreaterThan(15);
  } finally {
    await alone.end();
  }
});

const greet = (socket: Socket, attempt: string): void => void socket.end(`hello ${attempt}\n`);

test('keeps secrets off command lines and, once it runs, out of files', async () => {
  const secret = 'S3CRET-of-this-test';
  const spec = isolated('echo up; sleep 1000; echo "$TOKEN"', { secretVariables: { TOKEN: secret } });
  await engine.compute.submit(spec);
  await untilWritten(engine.compute, spec.attempt, 'up');
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).not.toContain(secret);
  }
  const files = await readdir(engine.folder, { recursive: true, withFileTypes: true });
  for (const file of files.filter((entry) => entry.isFile())) {
    expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain(secret);
  }
  await engine.compute.forget(spec.attempt);
});

test('its variables and its folder do not affect the confining programs', async () => {
  const evil = `#!/bin/sh\ntouch ${INSIDE.work}/evil ${INSIDE.tmp}/evil\nexec /bin/sh "$@"\n`;
  const names = ['sh', 'bwrap', 'setpriv', 'setsid', 'cat', 'head', 'stdbuf', 'mv'];
  const spec = isolated('/usr/bin/id -u; exit 3', {
    inputs: names.map((name) => input(`bin/${name}`, evil, true)),
    variables: {
      PATH: `${INSIDE.work}/bin`,
      LD_PRELOAD: `${INSIDE.work}/evil.so`,
      ENV: `${INSIDE.work}/bin/sh`,
      BASH_ENV: `${INSIDE.work}/bin/sh`,
      IFS: 'x',
    },
    outputs: [{ name: 'evil', path: 'evil' }],
  });
  // Only its command is resolved on its PATH.
  const own = { ...spec, command: ['/bin/sh', '-c', '/usr/bin/id -u; exit 3'] as const };
  expect(await engine.finish({ ...own, command: [...own.command] })).toMatchObject({ phase: 'ended', code: 3 });
  expect(await outputsOf(engine.compute, spec.attempt)).toEqual({});
});

test('sees an environment in a hidden folder, and nothing else of that folder', async () => {
  const environment = join(data, 'environments', 'one');
  await mkdir(join(environment, 'bin'), { recursive: true });
  await writeFile(join(environment, 'bin', 'tool'), '#!/bin/sh\necho "tool $MARK"', { mode: 0o755 });
  const spec: TaskSpec = {
    ...isolated(''),
    command: ['sh', '-c', `tool; touch ${environment}/x; ls ${data}`],
    environment: { folders: [environment], path: [join(environment, 'bin')], variables: { MARK: 'yes' } },
  };
  const text = await engine.outputOf(spec);
  expect(text).toMatch(/^tool yes\n/);
  expect(text).toMatch(/Read-only file system/);
  expect(text).toMatch(/\nenvironments\n$/);
});

test('an unprivileged user isolates with a user namespace', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-ordinary-'));
  const uid = 64_999;
  await chown(folder, uid, uid);
  try {
    const script = `id -u; grep CapEff /proc/self/status; touch /x /usr/x; unshare -U true; cat ${data}/blobs/sha256/blob; cat </dev/tcp/127.0.0.1/7070; kill -KILL $$`;
    const module = JSON.stringify(new URL('ordinary-user.testing.ts', import.meta.url).href);
    const program = `import { runIsolated } from ${module}; await runIsolated(...JSON.parse(process.argv[1]));`;
    const args = ['--conditions=dais-source', '--import=tsx', '--input-type=module', '--eval', program];
    const answer = await run(process.execPath, [...args, JSON.stringify([join(folder, 'compute'), script])], {
      cwd: import.meta.dirname,
      uid,
      gid: uid,
      env: { HOME: folder, TMPDIR: folder },
      timeoutMs: 120_000,
    });
    expect(answer).toMatchObject({ code: 0, stderr: '' });
    const outputOf = JSON.parse(answer.stdout.toString()) as UserReport;
    expect(outputOf).toMatchObject({ limits: 'rlimit', state: { phase: 'ended', end: 'exit', signal: 'SIGKILL' } });
    expect(outputOf.problem).toBeUndefined();
    expect(outputOf.text).toMatch(/^64999\nCapEff:\s+0000000000000000\n/);
    expect(outputOf.text).toMatch(/hello from outside\n$/);
    expect(outputOf.text.match(/Read-only file system|unshare failed|No such file/g)).toHaveLength(4);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('rejects a task with a remedy when no isolation works', async () => {
  const bare = await mkdtemp(join(tmpdir(), 'dais-bare-'));
  const without = await startEngine({ isolation: openIsolation({ path: bare }) });
  try {
    const { isolationProblem } = await without.compute.abilities();
    expect(isolationProblem).toMatch(/apt-get install bubblewrap/);
    await expectRefusal(without.compute.submit(isolated('true')), 'invalid_request', /apt-get install bubblewrap/);
  } finally {
    await without.end();
    await rm(bare, { recursive: true });
  }
});
