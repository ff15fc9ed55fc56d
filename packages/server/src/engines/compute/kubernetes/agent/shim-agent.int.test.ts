/** The connection between the agent and the shim: restarts of the agent, slow agents, stopped containers. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { shimProgram, type ShimMachine } from '../../../../../../../tools/shim.mjs';
import { WINDOW_BYTES } from './shim-protocol.ts';
import { POD_USER, PROBE, SECRET, startContainer, type Container, type ContainerOptions } from './shim.testing.ts';

const containers: Container[] = [];
afterEach(async () => {
  for (const container of containers.splice(0)) await container.end();
});

async function open(options: ContainerOptions = {}): Promise<Container> {
  const container = await startContainer(options);
  containers.push(container);
  return container;
}

/** Restarts the agent, which has so much output. */
async function restartAgent(container: Container, acknowledged: number, secret = SECRET): Promise<void> {
  await container.listen({ secret, acknowledged });
  await container.accept();
}

test('does not read more output than the agent acknowledges, and loses none', async () => {
  const container = await open({ acknowledges: false });
  container.order(['sh', '-c', 'head -c 3000000 /dev/zero; echo end']);
  await container.until(() => container.outputBytes === WINDOW_BYTES);
  // The command waits, although the shim has done all that it can.
  expect(container.processes()).toHaveLength(2);
  while (!container.output.endsWith('end\n')) {
    const before = container.outputBytes;
    container.connection!.acknowledge(Math.max(before - 1000, 0));
    await container.until(() => container.outputBytes > before);
  }
  expect((await container.outcome()).end).toMatchObject({ code: 0, outputBytes: 3_000_004 });
  expect(container.events).toEqual(['started', 'exited']);
});

test('passes 100 MB of output at full speed', async () => {
  const container = await open({ root: 'scratch', user: POD_USER });
  container.order([PROBE, 'zeros', '100000000']);
  while (!container.events.includes('exited')) {
    const before = container.outputBytes;
    await container.until(() => container.outputBytes > before || container.events.includes('exited'));
    container.discardOutput();
  }
  expect((await container.outcome()).end).toMatchObject({ code: 0, outputBytes: 100_000_000 });
});

describe('an agent that restarts', () => {
  test('receives the output that it does not have, while the command continues', async () => {
    const container = await open({ acknowledges: false });
    container.order(['sh', '-c', 'echo one; echo two; while [ ! -e go ]; do sleep 0.02; done; echo three; exit 7']);
    await container.untilWritten('two');
    container.connection!.acknowledge(4);
    container.disconnect();
    container.discardOutput();
    container.outputBytes = 4;
    await writeFile(join(container.workingFolder, 'go'), '');
    await restartAgent(container, 4);
    expect(await container.outcome()).toMatchObject({ end: { code: 7, outputBytes: 14 }, output: 'two\nthree\n' });
    expect(container.events).toEqual(['started', 'started', 'exited']);
    expect(await container.bye()).toBe(7);
  });

  test('receives the end of a command that ended without it, repeatedly', async () => {
    const container = await open();
    container.order(['sh', '-c', 'echo up; sleep 0.1; echo down; exit 6']);
    await container.untilWritten('up');
    container.disconnect();
    await expect.poll(() => container.processes(), { interval: 20 }).toEqual([]);
    for (const acknowledged of [3, 8]) {
      await restartAgent(container, acknowledged);
      expect((await container.outcome()).end).toMatchObject({ code: 6, outputBytes: 8 });
      container.disconnect();
    }
    await restartAgent(container, 8);
    expect(container.output).toBe('up\ndown\n');
    expect(await container.bye()).toBe(6);
  });

  test('receives the reason again why a command could not be started', async () => {
    const container = await open();
    container.order(['no-such-program']);
    await container.outcome();
    container.disconnect();
    await restartAgent(container, 0);
    expect((await container.outcome()).failure).toMatchObject({ code: 'ENOENT' });
    expect(await container.bye()).toBe(127);
  });

  test('blocks a command with much output until an agent is there', async () => {
    const container = await open({ acknowledges: false });
    container.order(['sh', '-c', 'head -c 3000000 /dev/zero; exit 3']);
    await container.until(() => container.outputBytes > 0);
    container.disconnect();
    await restartAgent(container, container.outputBytes);
    // From here on, the output is acknowledged.
    const acknowledge = () => container.connection!.acknowledge(container.outputBytes);
    acknowledge();
    while (!container.events.includes('exited')) {
      const before = container.outputBytes;
      await container.until(() => container.outputBytes > before || container.events.includes('exited'));
      acknowledge();
    }
    expect((await container.outcome()).end).toMatchObject({ code: 3, outputBytes: 3_000_000 });
    expect(container.events.filter((event) => event.startsWith('gap'))).toEqual([]);
  });

  test('accepts only the shim that has the secret', async () => {
    const container = await open();
    container.order(['sh', '-c', 'echo up; exec sleep 1000']);
    await container.untilWritten('up');
    container.disconnect();
    await container.listen({ secret: 'another secret', acknowledged: 3 });
    await container.until(() => container.refused.length > 0);
    expect(container.refused[0]).toBe('the proof is wrong');
    // An agent that has sent no command does not accept a shim that has one.
    await container.listen();
    await container.until(() => container.refused.includes('it has a command already'));
    await restartAgent(container, 3);
    container.connection!.signal('SIGKILL');
    expect((await container.outcome()).end).toMatchObject({ signal: 'SIGKILL' });
  });
});

describe('the end of the shim', () => {
  test('is reported when it is killed', async () => {
    const container = await open();
    container.order(['sh', '-c', 'echo up; exec sleep 1000']);
    await container.untilWritten('up');
    const [command] = container.processes();
    process.kill(container.shimPid(), 'SIGKILL');
    expect(await container.outcome()).toEqual({ gone: 'the shim ended', output: 'up\n' });
    await expect.poll(() => existsSync(`/proc/${command}`)).toBe(false);
  });

  test('comes without a command when the agent has none', async () => {
    const container = await open();
    expect(await container.bye()).toBe(0);
    expect(container.events).toEqual(['gone']);
  });

  test('kills a running command', async () => {
    const container = await open();
    container.order(['sh', '-c', 'trap "" TERM; echo up; sleep 1000']);
    await container.untilWritten('up');
    expect(await container.bye()).toBe(137);
  });

  test.each([
    ['66 when no agent appears', { hasNoAgent: true, shimArguments: ['--agent-wait=100ms'] }, 66, /no agent appeared/],
    ['65 for unknown arguments', { hasNoAgent: true, shimArguments: ['--what'] }, 65, /what/],
  ] as const)('has exit code %s', async (_name, options, code, words) => {
    const container = await open(options);
    expect(await container.exitCode()).toBe(code);
    expect(container.complaints).toMatch(words);
  });

  test('has exit code 67 when no agent collects the result', async () => {
    const container = await open({ shimArguments: ['--collect-wait=100ms', '--agent-wait=100ms'] });
    container.order(['sh', '-c', 'sleep 0.3; exit 3']);
    await container.until(() => container.started !== undefined);
    container.disconnect();
    expect(await container.exitCode()).toBe(67);
  });

  test('refuses to run as another process than process 1', async () => {
    const { code, stderr } = await run(await shimProgram(process.arch as ShimMachine), []);
    expect([code, stderr]).toEqual([65, expect.stringMatching(/must be process 1/)]);
  });
});

describe('a stopped container', () => {
  const trapping = ['sh', '-c', 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'] as const;

  test('ends before a command was sent', async () => {
    const container = await open();
    process.kill(container.shimPid(), 'SIGTERM');
    expect(await container.exitCode()).toBe(68);
    expect(container.events).toEqual(['gone']);
  });

  test.each(['SIGTERM', 'SIGQUIT'] as const)(
    'notifies the agent of %s, and sends TERM if the agent does nothing',
    async (signal) => {
      const container = await open();
      container.order(trapping);
      await container.untilWritten('up');
      process.kill(container.shimPid(), signal);
      expect((await container.outcome()).end).toMatchObject({ code: 5 });
      expect(container.events).toEqual(['started', `terminating ${signal}`, 'exited']);
    },
  );

  test('leaves the signal to the agent', async () => {
    const container = await open();
    container.order(['sh', '-c', 'trap "exit 6" USR1; trap "exit 5" TERM; echo up; while :; do sleep 0.05; done']);
    await container.untilWritten('up');
    process.kill(container.shimPid(), 'SIGTERM');
    await container.until(() => container.events.includes('terminating SIGTERM'));
    container.connection!.signal('SIGUSR1');
    expect((await container.outcome()).end).toMatchObject({ code: 6 });
  });

  test('sends TERM immediately without an agent, and KILL after the grace period', async () => {
    const container = await open();
    container.order(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'], { graceMs: 100 });
    await container.untilWritten('up');
    container.disconnect();
    process.kill(container.shimPid(), 'SIGTERM');
    await expect.poll(() => container.processes(), { interval: 20 }).toEqual([]);
    await restartAgent(container, 3);
    expect((await container.outcome()).end).toMatchObject({ signal: 'SIGKILL', killed: true });
    expect(container.events).toContain('terminating SIGTERM');
  });

  test('waits for the agent after the end of the command', async () => {
    const container = await open();
    await container.run(['sh', '-c', 'exit 4']);
    process.kill(container.shimPid(), 'SIGTERM');
    await container.until(() => container.events.includes('terminating SIGTERM'));
    expect(await container.bye()).toBe(4);
  });
});
