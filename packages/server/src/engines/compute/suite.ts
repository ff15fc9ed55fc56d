/** Tests that every compute engine must pass. Commands are those of a POSIX system. */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError, type ErrorCode } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Compute, LogOptions, TaskInput, TaskSpec, TaskState } from './contract.ts';

export interface ComputeSubject {
  readonly compute: Compute;
  /** Of every task of the suite. */
  readonly isolation: TaskSpec['isolation'];
  end(): Promise<void>;
}

export const never = new AbortController().signal;

export function task(command: readonly [string, ...string[]], changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    attempt: `a-${randomUUID()}`,
    command,
    variables: {},
    secretVariables: {},
    inputs: [],
    outputs: [],
    resources: {},
    limits: {},
    isolation: 'none',
    network: false,
    ...changes,
  };
}

export const shell = (script: string, changes: Partial<TaskSpec> = {}): TaskSpec => task(['sh', '-c', script], changes);

export function input(path: string, text: string | Buffer, executable = false): TaskInput {
  return { path, executable, open: async () => Readable.from([Buffer.from(text)]) };
}

export async function textOf(compute: Compute, attempt: string, options?: LogOptions): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const { bytes } of compute.logs(attempt, options)) chunks.push(bytes);
  return Buffer.concat(chunks).toString('utf8');
}

export async function outputsOf(compute: Compute, attempt: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const file of compute.outputs(attempt)) {
    found[file.path === '' ? file.output : `${file.output}:${file.path}`] = (await buffer(await file.open())).toString(
      'utf8',
    );
  }
  return found;
}

export async function expectRefusal(work: Promise<unknown>, code: ErrorCode, words: RegExp): Promise<void> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(error).toBeInstanceOf(DaisError);
  expect(error).toMatchObject({ code, message: expect.stringMatching(words) as string });
}

/** Waits until it runs and has written this text. */
export async function untilWritten(compute: Compute, attempt: string, words: string): Promise<void> {
  await expect.poll(async () => await textOf(compute, attempt), { interval: 20 }).toContain(words);
}

export function computeSuite(name: string, openSubject: () => Promise<ComputeSubject>): void {
  describe(`compute engine: ${name}`, () => {
    let subject: ComputeSubject;
    let compute: Compute;
    beforeAll(async () => {
      subject = await openSubject();
      compute = subject.compute;
    });
    afterAll(async () => await subject.end());

    const start = async (spec: TaskSpec): Promise<string> => {
      await compute.submit({ ...spec, isolation: subject.isolation });
      return spec.attempt;
    };
    const finish = async (spec: TaskSpec): Promise<TaskState | undefined> =>
      await compute.wait(await start(spec), never);

    test('runs a command and keeps its output, exit code and usage until `forget`', async () => {
      const spec = shell('echo out; echo err >&2; exit 3');
      const state = await finish(spec);
      expect(state).toMatchObject({ phase: 'ended', end: 'exit', code: 3 });
      expect(state).not.toHaveProperty('signal');
      expect(await compute.status(spec.attempt)).toEqual(state);
      expect(await textOf(compute, spec.attempt)).toBe('out\nerr\n');
      await compute.forget(spec.attempt);
      expect(await compute.status(spec.attempt)).toBeUndefined();
      expect(await textOf(compute, spec.attempt)).toBe('');
      await compute.forget(spec.attempt);
    });

    test('returns undefined or nothing for unknown attempts', async () => {
      for (const attempt of ['no-such-attempt', '../tasks', '']) {
        expect(await compute.status(attempt)).toBeUndefined();
        expect(await compute.wait(attempt, never)).toBeUndefined();
        expect(await textOf(compute, attempt, { follow: true })).toBe('');
        expect(await outputsOf(compute, attempt)).toEqual({});
        await compute.cancel(attempt);
        await compute.forget(attempt);
      }
    });

    test('runs an attempt once when it is submitted repeatedly, also concurrently and with another spec', async () => {
      const spec = shell('echo once');
      const other = shell('echo twice', { attempt: spec.attempt });
      await Promise.all([start(spec), start(spec), start(other)]);
      await compute.wait(spec.attempt, never);
      await start(other);
      expect(await textOf(compute, spec.attempt)).toBe('once\n');
      const all: string[] = [];
      for await (const attempt of compute.attempts()) all.push(attempt);
      expect(all.filter((attempt) => attempt === spec.attempt)).toHaveLength(1);
    });

    test('lists the attempts of one owner', async () => {
      const [mine, other, nobody] = [
        shell('echo mine', { owner: 'node-1' }),
        shell('echo other', { owner: 'node-2' }),
        shell('echo nobody'),
      ];
      for (const spec of [mine, other, nobody]) await finish(spec);
      const listed: string[] = [];
      for await (const attempt of compute.attempts('node-1')) listed.push(attempt);
      expect(listed).toEqual([mine.attempt]);
    });

    test('distinguishes a signal that ends a command from an exit code', async () => {
      expect(await finish(shell('kill -KILL $$'))).toMatchObject({ phase: 'ended', end: 'exit', signal: 'SIGKILL' });
      expect(await finish(shell('kill -SEGV $$'))).toMatchObject({ phase: 'ended', end: 'exit', signal: 'SIGSEGV' });
      expect(await finish(shell('exit 137'))).toMatchObject({ phase: 'ended', end: 'exit', code: 137 });
      expect(await finish(shell('exit 255'))).toMatchObject({ phase: 'ended', end: 'exit', code: 255 });
    });

    test('names a missing program', async () => {
      const state = await finish(task(['no-such-program', 'x']));
      expect(state).toMatchObject({ phase: 'refused', reason: expect.stringContaining('no-such-program') as string });
      const inFolder = task(['./run.sh'], { inputs: [input('run.sh', '#!/bin/sh\necho ran')] });
      expect(await finish(inFolder)).toMatchObject({ phase: 'refused' });
    });

    test('passes arguments and variables unchanged', async () => {
      const hostile = `a b\n"c" 'd' $HOME \`e\` \\ \${f} * ; & é 🐍 \t`;
      // Into a file: in the log the secret would be masked.
      const spec = task(['sh', '-c', 'printf "%s|" "$@" "$PLAIN" "$SECRET" >out', 'x', hostile, '', '-n'], {
        variables: { PLAIN: hostile },
        secretVariables: { SECRET: `${hostile}\n\n` },
        outputs: [{ name: 'out', path: 'out' }],
      });
      await finish(spec);
      expect(await outputsOf(compute, spec.attempt)).toEqual({
        out: `${hostile}||-n|${hostile}|${hostile}\n\n|`,
      });
    });

    test('masks secret values in the log, whole or split over writes, in common encodings', async () => {
      const secret = 'p4ss/w0rd+"quoted" & é';
      const key = '-----BEGIN KEY-----\nMIIBVQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n';
      const script = `
        echo "plain $SECRET end"; printf %s "$SECRET" | head -c 9; sleep 0.3; printf %s "$SECRET" | tail -c +10; echo
        for before in '' a ab; do printf '%s%s' "$before" "$SECRET" | base64; done
        printf %s "$KEY" | sed 's/^/> /'; printf %s "$KEY" | base64
        printf %s "$URL"; echo; printf %s "$JSON"; echo; echo short $SHORT; echo p4ss`;
      const spec = shell(script, {
        variables: { URL: encodeURIComponent(secret), JSON: JSON.stringify({ secret }) },
        secretVariables: { SECRET: secret, KEY: key, SHORT: 'abcde' },
      });
      await finish(spec);
      const lines = (await textOf(compute, spec.attempt)).trimEnd().split('\n');
      expect(lines.slice(0, 2)).toEqual(['plain *** end', '***']);
      // Base64 characters that also encode neighboring bytes stay: at most two.
      for (const line of lines.slice(2, 5)) expect(line).toMatch(/^.{0,3}\*{3}.{0,3}$/);
      expect(lines.slice(5, 9)).toEqual(['> ***', '> ***', '> ***', '> ***']);
      for (const line of lines.slice(9, -4)) expect(line).toMatch(/^\*{3}.{0,3}$/);
      expect(lines.slice(-4)).toEqual(['***', '{"secret":"***"}', 'short abcde', 'p4ss']);
    });

    test('masks secrets that overlap or repeat, wherever writes split them', async () => {
      const script = `
        printf 'x%s%s' abcdefgh ijkl; sleep 0.2; printf 'efghij\n'; i=0
        while [ $i -lt 12 ]; do printf %s "$ONE" | head -c $i; sleep 0.02; printf %s "$ONE" | tail -c +$((i + 1)); echo; i=$((i+1)); done
        printf abababab; sleep 0.1; printf 'ababx\n'; printf abcdefghij`;
      const spec = shell(script, {
        secretVariables: { ONE: 'abcdefghij', TWO: 'ghijklmnop', THREE: 'ijklefghij', FOUR: 'ababab' },
      });
      await finish(spec);
      const lines = (await textOf(compute, spec.attempt)).split('\n');
      expect(lines).toEqual(['x***', ...Array.from({ length: 12 }, () => '***'), '***x', '***']);
    });

    test('passes only the variables of the task', async () => {
      const spec = task(['env'], { variables: { MINE: '1' } });
      await finish(spec);
      const names = (await textOf(compute, spec.attempt)).split('\n').map((line) => line.split('=')[0]!);
      const known = ['MINE', 'HOME', 'TMPDIR', 'PATH', 'LANG', 'USER', 'LOGNAME', 'PWD', 'OLDPWD', 'SHLVL', '_', ''];
      expect(names.filter((name) => !known.includes(name) && !name.startsWith('DAIS_'))).toEqual([]);
      expect(names).toContain('MINE');
    });

    test('stages inputs in the working folder and reads outputs from it', async () => {
      const spec = task(['./go/run.sh'], {
        inputs: [
          input(
            'go/run.sh',
            '#!/bin/sh\nread -r x <data/in.txt; mkdir -p out/deep; echo "$x!" >out/deep/b; echo a >out/a-x; echo c >out/one',
            true,
          ),
          input('data/in.txt', 'hello\n'),
        ],
        outputs: [
          { name: 'folder', path: 'out' },
          { name: 'file', path: 'out/one' },
          { name: 'missing', path: 'nothing/here' },
          { name: 'input', path: 'data/in.txt' },
        ],
      });
      expect(await finish(spec)).toMatchObject({ phase: 'ended', code: 0 });
      const found = await outputsOf(compute, spec.attempt);
      expect(found).toEqual({
        'folder:a-x': 'a\n',
        'folder:deep/b': 'hello!\n',
        'folder:one': 'c\n',
        file: 'c\n',
        input: 'hello\n',
      });
      expect(Object.keys(found).slice(0, 3)).toEqual(['folder:a-x', 'folder:deep/b', 'folder:one']);
    });

    test('follows no link out of the folder for outputs, and omits other file types', async () => {
      const spec = shell(
        `mkdir out; echo good >out/good; ln -s /etc/passwd out/link; ln -s /etc out/folder; ln -s /etc etc; ln -s good out/inside
         mkfifo out/pipe; ln -s / rootlink; ln -s loop out/loop; touch "out/new
line" 'out/ -rf' 'out/..hidden'`,
        {
          outputs: [
            { name: 'out', path: 'out' },
            { name: 'through', path: 'etc/passwd' },
            { name: 'link', path: 'rootlink' },
          ],
        },
      );
      expect(await finish(spec)).toMatchObject({ code: 0 });
      expect(await outputsOf(compute, spec.attempt)).toEqual({
        'out: -rf': '',
        'out:..hidden': '',
        'out:good': 'good\n',
        'out:new\nline': '',
      });
    });

    test('reports an output whose name is not UTF-8', async () => {
      const spec = shell(`mkdir out; touch "out/$(printf 'a\\377')"`, { outputs: [{ name: 'out', path: 'out' }] });
      await finish(spec);
      await expectRefusal(outputsOf(compute, spec.attempt), 'invalid_request', /UTF-8/);
    });

    test('follows a log from any position to its end', async () => {
      const spec = shell(
        'echo one; while [ ! -e go ]; do sleep 0.05; [ -e /never ] && break; n=$((n+1)); [ $n -gt 20 ] && break; done; echo two',
      );
      await start(spec);
      const locations: string[] = [];
      let text = '';
      for await (const { bytes, next } of compute.logs(spec.attempt, { follow: true })) {
        text += bytes.toString('utf8');
        locations.push(next);
        expect(next).toMatch(/^[\x21-\x7e]+$/);
      }
      expect(text).toBe('one\ntwo\n');
      expect(locations.length).toBeGreaterThan(1);
      expect(await textOf(compute, spec.attempt, { from: locations[0]! })).toBe('two\n');
      expect(await textOf(compute, spec.attempt, { from: locations.at(-1)! })).toBe('');
      await expectRefusal(textOf(compute, spec.attempt, { from: 'elsewhere' }), 'invalid_request', /position/);
    });

    test('a caller can abort a wait or a log stream', async () => {
      const attempt = await start(shell('echo up; exec sleep 1000'));
      await untilWritten(compute, attempt, 'up');
      const abort = new AbortController();
      const waiting = compute.wait(attempt, abort.signal);
      const chunks = compute.logs(attempt, { follow: true, signal: abort.signal })[Symbol.asyncIterator]();
      expect((await chunks.next()).value?.bytes.toString()).toBe('up\n');
      const more = chunks.next();
      abort.abort();
      expect(await waiting).toMatchObject({ phase: 'running' });
      expect(await more).toMatchObject({ done: true });
      await compute.forget(attempt);
    });

    test('keeps the newest part of a long output', async () => {
      const limits = { logBytes: 262_144 };
      const spec = shell('head -c 20000000 /dev/zero | tr "\\\\0" x; echo; echo last', { limits });
      await finish(spec);
      const text = await textOf(compute, spec.attempt);
      expect(text.length).toBeLessThanOrEqual(262_144);
      expect(text.length).toBeGreaterThan(131_072);
      expect(text).toMatch(/x\nlast\n$/);
    });

    test('cancel sends a signal that the command can handle', async () => {
      const attempt = await start(shell('trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done'));
      await untilWritten(compute, attempt, 'up');
      await compute.cancel(attempt);
      await compute.cancel(attempt);
      expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'ended', end: 'canceled', code: 5 });
      // The sleep receives the signal, too, and the shell prints a message.
      expect(await textOf(compute, attempt)).toMatch(/^up\n(Terminated\n)?bye\n$/);
      await compute.cancel(attempt);
    });

    test('kills a command that ignores the signal, with all its processes', async () => {
      const stubborn = `trap "" TERM; setsid sh -c 'trap "" TERM; (sleep 1000 & ); exec sleep 1000' & (sleep 1000 &) ; echo up; while :; do sleep 0.05; done`;
      const attempt = await start(shell(stubborn, { limits: { graceMs: 200 } }));
      await untilWritten(compute, attempt, 'up');
      await compute.cancel(attempt);
      expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'ended', end: 'canceled', signal: 'SIGKILL' });
    });

    test('reports the kill of a command that ends with its own code because it cannot start a process', async () => {
      const busy = 'trap "" TERM; echo up; while :; do (:); done';
      const attempt = await start(shell(busy, { limits: { graceMs: 200 } }));
      await untilWritten(compute, attempt, 'up');
      await compute.cancel(attempt);
      expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'ended', end: 'canceled', signal: 'SIGKILL' });
    });

    test('ends background processes with the command', async () => {
      const spec = shell('(trap "" HUP; sleep 1000 &) ; setsid sleep 1000 & echo done');
      expect(await finish(spec)).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
      expect(await textOf(compute, spec.attempt)).toBe('done\n');
    });

    test('ends a command at its time limit', async () => {
      const spec = shell('echo up; exec sleep 1000', { limits: { wallMs: 300, graceMs: 60_000 } });
      expect(await finish(spec)).toMatchObject({ phase: 'ended', end: 'wall-time', signal: 'SIGTERM' });
    });

    test('ends a command that exceeds its disk limit', async () => {
      const spec = shell('head -c 8000000 /dev/zero >"$TMPDIR/big"; exec sleep 1000', {
        limits: { diskBytes: 4_000_000, graceMs: 100 },
      });
      expect(await finish(spec)).toMatchObject({ phase: 'ended', end: 'disk-full' });
    });

    test('reports usage', async () => {
      const spec = shell('i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; sleep 0.2');
      const state = await finish(spec);
      expect(state).toMatchObject({ phase: 'ended', code: 0 });
      const { usage, startedAt, endedAt } = state as Extract<TaskState, { phase: 'ended' }>;
      expect(usage.cpuMs).toBeGreaterThan(10);
      expect(usage.wallMs).toBeGreaterThanOrEqual(200);
      expect(usage.peakMemoryBytes).toBeGreaterThanOrEqual(0);
      expect(endedAt.getTime()).toBeGreaterThan(startedAt.getTime());
    });

    test('rejects an invalid spec with all its errors', async () => {
      const refuse = async (spec: TaskSpec, words: RegExp) =>
        await expectRefusal(start(spec), 'invalid_request', words);
      await refuse(task(['x'], { attempt: '../escape' }), /attempt: must consist of a-z/);
      await refuse(task(['x'], { resources: { cpu: 100_000 } }), /resources.cpu: requests 100000/);
      await refuse(task(['x'], { resources: { 'example.com/tpu': 1 } }), /example.com\/tpu: is not available/);
      await refuse(task(['x'], { resources: { cpu: Number.NaN, memory: -1 } }), /cpu: must be.*memory: must be/);
      await refuse(task(['x'], { inputs: [input('../up', '')] }), /inputs\[0\].path/);
      await refuse(task(['x'], { inputs: [input('/abs', '')] }), /inputs\[0\].path/);
      await refuse(task(['x'], { inputs: [input('a', ''), input('a/b', '')] }), /a is a file and a folder/);
      await refuse(task(['x'], { outputs: [{ name: 'o', path: 'a/../../b' }] }), /outputs\[0\].path/);
      await refuse(task(['x'], { variables: { 'A B': '' } }), /variables.A B/);
      await refuse(task(['x', 'y'.repeat(131_072)]), /command\[1\]: has 131072 bytes.*use a file/);
    });

    test('cancels a queued task, and starts queued tasks in order', async () => {
      const { cpu } = (await compute.abilities()).resources;
      const whole = { resources: { cpu: cpu! } };
      const first = await start(shell('echo up; while :; do sleep 0.05; done', whole));
      await untilWritten(compute, first, 'up');
      const second = await start(shell('echo second', whole));
      const third = await start(shell('echo third', whole));
      const small = await start(shell('echo small', { resources: { cpu: 0.5 } }));
      expect(await compute.status(second)).toEqual({ phase: 'preparing' });
      await compute.cancel(second);
      expect(await compute.wait(second, never)).toMatchObject({ phase: 'ended', end: 'canceled' });
      expect(await compute.status(small)).toEqual({ phase: 'preparing' });
      await compute.cancel(first);
      const [afterThird, afterSmall] = await Promise.all([compute.wait(third, never), compute.wait(small, never)]);
      expect([afterThird, afterSmall]).toMatchObject([{ code: 0 }, { code: 0 }]);
      const begin = (state: TaskState | undefined) => (state as Extract<TaskState, { phase: 'ended' }>).startedAt;
      expect(begin(afterThird).getTime()).toBeLessThanOrEqual(begin(afterSmall).getTime());
      expect(await textOf(compute, second)).toBe('');
    });

    test('ends a running task on `forget`', async () => {
      const attempt = await start(shell('trap "" TERM; echo up; while :; do sleep 0.05; done'));
      await untilWritten(compute, attempt, 'up');
      await compute.forget(attempt);
      expect(await compute.status(attempt)).toBeUndefined();
    });
  });
}
