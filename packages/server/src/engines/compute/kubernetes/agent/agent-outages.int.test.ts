/** Outages: Dais is away, and the agent is killed at every stage. The command runs once, and nothing of it is lost. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startPod, type Pod, type PodOptions } from './pod.testing.ts';

const pods: Pod[] = [];
afterEach(async () => {
  for (const pod of pods.splice(0)) await pod.end();
});

async function open(script: string, options: PodOptions = {}): Promise<Pod> {
  // Each start of the command adds a line.
  const pod = await startPod(['sh', '-c', `echo start >>starts; ${script}`], options);
  pods.push(pod);
  return pod;
}

async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 10 }).toBe(true);
}

const written = async (pod: Pod, text: string) => await until(() => pod.dais.log.includes(text));
const fileOf = (pod: Pod, name: string) => join(pod.container.workingFolder, name);
const start = async (pod: Pod) => await writeFile(fileOf(pod, 'go'), '');

function expectOnce(pod: Pod): void {
  expect(readFileSync(fileOf(pod, 'starts'), 'utf8')).toBe('start\n');
}

const waiting = 'while [ ! -e go ]; do sleep 0.02; done';
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`).join('');
const count = (from: number, to: number) => `i=${from}; while [ $i -le ${to} ]; do echo $i; i=$((i+1)); done`;

describe('Dais is away', () => {
  test('while the command runs and when it ends: everything is delivered later', async () => {
    const pod = await open(`echo up; ${waiting}; ${count(1, 2000)}; echo data >out; exit 4`, {
      outputs: [{ name: 'out', path: 'out' }],
    });
    await written(pod, 'up');
    await pod.dais.stop();
    await start(pod);
    await until(() => existsSync(fileOf(pod, 'out')));
    await expect.poll(() => pod.container.processes(), { interval: 20 }).toEqual([]);
    await pod.dais.start();
    expect(await pod.finish()).toEqual({ shim: 4, agent: 0 });
    expect(pod.dais.log).toBe(`up\n${lines(1, 2000)}`);
    expect(pod.dais.end).toMatchObject({ end: 'exit', code: 4, outputs: [{ output: 'out', size: 5 }] });
    expect(pod.dais.gaps).toEqual([]);
    expectOnce(pod);
  });

  test('with more output than the log keeps: the newest part is delivered', async () => {
    const pod = await open(`echo up; ${waiting}; head -c 5000000 /dev/zero | tr '\\0' x; echo last; : >done`, {
      limits: { logBytes: 65_536 },
    });
    await written(pod, 'up');
    await pod.dais.stop();
    await start(pod);
    await until(() => existsSync(fileOf(pod, 'done')));
    await pod.dais.start();
    await pod.finish();
    expect(pod.dais.end!.log.position).toBe(5_000_008);
    expect(pod.dais.log).toMatch(/x{30000}last\n$/);
  });

  test('connections that break in each call: every call is repeated', async () => {
    const inputs = [{ path: 'a', bytes: Buffer.alloc(100_000, 'a') }];
    const broken = new Set<string>();
    const pod = await open('cat a; cp a b', {
      inputs,
      outputs: [{ name: 'b', path: 'b' }],
      prepare: (dais) => {
        dais.intercept = (method, path) => {
          const isFirst = !broken.has(`${method} ${path}`);
          broken.add(`${method} ${path}`);
          return isFirst;
        };
      },
    });
    await pod.finish();
    expect(pod.dais.log).toBe('a'.repeat(100_000));
    expect(pod.dais.end).toMatchObject({ code: 0, outputs: [{ size: 100_000 }] });
    expect([...broken].map((call) => call.split('/')[1])).toEqual(
      expect.arrayContaining(['begin', 'beat', 'inputs', 'log', 'outputs', 'end']),
    );
  });

  test('for longer than the limit after the end: the agent gives up', async () => {
    const pod = await open(`echo up; ${waiting}; exit 6`, { limits: { collectMs: 300 } });
    await written(pod, 'up');
    await pod.dais.stop();
    await start(pod);
    expect(await pod.finish()).toEqual({ shim: 6, agent: 1 });
    expect(pod.complaints).toMatch(/has not responded for 300 ms/);
  });
});

describe('the agent is killed', () => {
  test('while it waits for the container', async () => {
    const pod = await open('cat a', { isPulling: true, inputs: [{ path: 'a', bytes: Buffer.from('staged') }] });
    await until(() => existsSync(fileOf(pod, 'a')));
    await pod.restartAgent();
    await pod.container.start();
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.log).toBe('staged');
    expectOnce(pod);
  });

  test('while it fetches inputs', async () => {
    let calls = 0;
    const pod = await open('cat a b', {
      inputs: [
        { path: 'a', bytes: Buffer.alloc(50_000, 'a') },
        { path: 'b', bytes: Buffer.alloc(50_000, 'b') },
      ],
      prepare: (dais) => {
        dais.intercept = async (_method, path) => {
          if (path !== '/inputs/1') return false;
          calls += 1;
          if (calls === 1) await pods[0]?.restartAgent();
          return false;
        };
      },
    });
    await pod.finish();
    expect(pod.dais.log).toBe('a'.repeat(50_000) + 'b'.repeat(50_000));
    expectOnce(pod);
  });

  test('after it has recorded the start, before the shim receives the command', async () => {
    const pod = await open('echo x', { isPulling: true });
    const journal = join(pod.folder, 'state', 'journal', 'journal.json');
    await until(() => existsSync(journal));
    await pod.signalAgent('SIGKILL');
    const record = JSON.parse(readFileSync(journal, 'utf8')) as object;
    await writeFile(journal, JSON.stringify({ ...record, phase: 'ordered', secret: 'the secret' }));
    await pod.startAgent();
    await pod.container.start();
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.log).toBe('x\n');
    expectOnce(pod);
  });

  test('while the command runs, and while it ends', async () => {
    const pod = await open(`${count(1, 500)}; ${waiting}; ${count(501, 3000)}; exit 7`, {
      secretVariables: { SECRET: '1234567' },
    });
    await written(pod, '500\n');
    await pod.restartAgent();
    await start(pod);
    await pod.signalAgent('SIGKILL');
    await expect.poll(() => pod.container.processes(), { interval: 20 }).toEqual([]);
    await pod.startAgent();
    expect(await pod.finish()).toEqual({ shim: 7, agent: 0 });
    expect(pod.dais.log).toBe(lines(1, 3000));
    expect(pod.dais.end).toMatchObject({ end: 'exit', code: 7 });
    expectOnce(pod);
  });

  test('while it stores outputs: they are sent once', async () => {
    let calls = 0;
    const pod = await open(
      'for i in 1 2 3 4 5 6 7 8 9; do echo $i >out$i; done; mkdir out; mv out? out; ln out/out1 out/x',
      {
        outputs: [{ name: 'out', path: 'out' }],
        prepare: (dais) => {
          dais.intercept = async (_method, path) => {
            if (!path.startsWith('/outputs/')) return false;
            calls += 1;
            if (calls !== 6) return false;
            await pods[0]?.restartAgent();
            return true;
          };
        },
      },
    );
    await pod.finish();
    const { outputs } = pod.dais.end!;
    expect(outputs.map(({ path }) => path)).toEqual([
      ...Array.from({ length: 9 }, (_, index) => `out${index + 1}`),
      'x',
    ]);
    expect(outputs[9]).toMatchObject({ key: outputs[0]!.key, sha256: outputs[0]!.sha256 });
    expect(new Set(outputs.map(({ key }) => key)).size).toBe(9);
    // Only those that were on their way are sent again.
    expect([...pod.dais.outputs.values()].reduce((sum, { times }) => sum + times, 0)).toBeLessThanOrEqual(9 + 4);
    expectOnce(pod);
  });

  test('before it receives the response to the end: it does not run the command again', async () => {
    let calls = 0;
    const pod = await open('echo x', {
      prepare: (dais) => {
        dais.intercept = async (_method, path) => {
          if (path !== '/end') return false;
          calls += 1;
          if (calls === 1) await pods[0]?.restartAgent();
          return false;
        };
      },
    });
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.ends).toBe(2);
    expect(pod.dais.log).toBe('x\n');
    expectOnce(pod);
  });

  test('while it stops the command', async () => {
    const pod = await open('trap "" TERM; echo up; while :; do sleep 0.05; done', { limits: { graceMs: 1500 } });
    await written(pod, 'up');
    pod.dais.command('cancel');
    const journal = join(pod.folder, 'state', 'journal', 'journal.json');
    await until(() => readFileSync(journal, 'utf8').includes('"mark"'));
    await pod.restartAgent();
    expect(await pod.finish()).toEqual({ shim: 137, agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'canceled', signal: 'SIGKILL' });
  });

  test('again and again, at any time, with masked output', async () => {
    const secret = 'a-secret-of-some-length';
    const pod = await open(
      `i=0; while [ $i -lt 3000 ]; do echo "$i $SECRET"; i=$((i+1)); [ $((i % 100)) = 0 ] && sleep 0.1; done; exit 9`,
      { secretVariables: { SECRET: secret } },
    );
    for (let kills = 1; kills <= 12 && pod.dais.end === undefined; kills += 1) {
      const before = pod.dais.begins.length + pod.dais.beats.length;
      // At another stage of its start or of its work each time.
      await until(() => pod.dais.begins.length + pod.dais.beats.length > before || pod.dais.end !== undefined);
      await new Promise((resolve) => setTimeout(resolve, 17 * kills));
      await pod.restartAgent();
    }
    // The newest agent may have nothing to do, and end before it handles signals.
    expect(await pod.finish()).toMatchObject({ shim: 9 });
    expect(pod.dais.log).toBe(Array.from({ length: 3000 }, (_, index) => `${index} ***\n`).join(''));
    expect(pod.dais.end).toMatchObject({ code: 9 });
    expectOnce(pod);
  });
});
