import { expect, test } from 'vitest';
import { PLAIN_TARGET, PLAIN_TASK } from '../plan/pod-plan-cases.testing.ts';
import { planJob } from '../plan/pod-plan.ts';
import { readAgentOptions } from './agent-options.ts';

const pod = planJob(PLAIN_TASK, PLAIN_TARGET, 2).spec.template.spec;
const [agent] = pod.initContainers;
const [task] = pod.containers;
const environment = Object.fromEntries(agent!.env.map(({ name }) => [name, `value of ${name}`]));

test('reads what the plan of the pod sets', () => {
  const [, ...args] = agent!.command;
  expect(readAgentOptions(args, environment)).toMatchObject({
    url: PLAIN_TARGET.agent.url,
    ca: undefined,
    attempt: PLAIN_TASK.attempt,
    round: 2,
    pod: { name: 'value of POD_NAME', uid: 'value of POD_UID', ip: 'value of POD_IP', node: 'value of NODE_NAME' },
  });
});

test('trusts the authority that the plan passes on', () => {
  const target = { ...PLAIN_TARGET, agent: { ...PLAIN_TARGET.agent, ca: 'PEM' } };
  const [{ env } = { env: [] }] = planJob(PLAIN_TASK, target, 1).spec.template.spec.initContainers;
  const variables = Object.fromEntries(env.map((entry) => [entry.name, 'value' in entry ? entry.value : 'x']));
  expect(readAgentOptions(agent!.command.slice(1), variables).ca).toBe('PEM');
});

test('uses the folders that the plan mounts; the command cannot read the state', () => {
  const { folders, tokenFile } = readAgentOptions(agent!.command.slice(1), environment);
  const pathsOf = (container: {
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  }) => new Map(container.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  const [ofAgent, ofTask] = [pathsOf(agent!), pathsOf(task!)];
  expect([ofAgent.get('dais'), ofTask.get('dais')]).toEqual([folders.shared, folders.shared]);
  expect([ofAgent.get('work'), ofTask.get('work'), task!.workingDir]).toEqual(
    Array.from({ length: 3 }, () => folders.work),
  );
  expect([ofAgent.get('tmp'), ofTask.get('tmp')]).toEqual([folders.tmp, folders.commandTmp]);
  expect([ofAgent.get('state'), ofTask.get('state')]).toEqual([folders.state, undefined]);
  expect(tokenFile).toBe(`${ofAgent.get('token')}/t`);
});

test('installs the shim that its pod installs, where the container of the command starts it', () => {
  const { shim, folders } = readAgentOptions(agent!.command.slice(1), environment);
  expect(agent!.lifecycle.postStart.exec.command).toEqual([shim, 'install', `${folders.shared}/shim`]);
  expect(task!.command).toEqual([`${folders.shared}/shim`]);
});

test.each([
  [['--attempt=a', '--round=1'], environment, /--url/],
  [['--url=x', '--attempt=a', '--round=one'], environment, /--round/],
  [['--url=x', '--attempt=a', '--round=1', '--what=1'], environment, /--what/],
  [['--url=x', '--attempt=a', '--round=1'], {}, /POD_UID/],
])('rejects %j', (args, variables, words) => {
  expect(() => readAgentOptions(args, variables)).toThrow(words);
});
