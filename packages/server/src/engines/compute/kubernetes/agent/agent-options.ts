/** The command line and the environment of the agent, as the plan of the pod sets them. */
import { parseArgs } from 'node:util';
import { AGENT_CA_VARIABLE, type BeginRequest } from '../agent-api.ts';

export interface AgentFolders {
  /** Shared with the container of the command, which cannot write to it: the shim and its socket. */
  readonly shared: string;
  /** The working folder of the command. */
  readonly work: string;
  /** The `/tmp` of the command, to measure it. */
  readonly tmp: string;
  /** The same folder as the command sees it. */
  readonly commandTmp: string;
  /** Survives a restart of the container of the agent. The command cannot read it. */
  readonly state: string;
}

export interface AgentOptions {
  /** Of Dais; its path contains AGENT_PATH. */
  readonly url: string;
  /** PEM of authorities in addition to those of Node. */
  readonly ca: string | undefined;
  readonly attempt: string;
  readonly round: number;
  readonly pod: BeginRequest['pod'];
  readonly tokenFile: string;
  /** The program of the shim in the image of the agent. */
  readonly shim: string;
  readonly folders: AgentFolders;
  /** File whose text Kubernetes adds to the status of the container, when the agent ends. */
  readonly terminationLog: string;
}

const FLAGS = {
  url: { type: 'string' },
  attempt: { type: 'string' },
  round: { type: 'string' },
  token: { type: 'string', default: '/token/t' },
  shim: { type: 'string', default: '/opt/dais/agent/shim' },
  shared: { type: 'string', default: '/dais' },
  work: { type: 'string', default: '/work' },
  tmp: { type: 'string', default: '/task-tmp' },
  'command-tmp': { type: 'string', default: '/tmp' },
  state: { type: 'string', default: '/state' },
  'termination-log': { type: 'string', default: '/dev/termination-log' },
} as const;

/** @throws Error that names what is missing or unknown */
export function readAgentOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): AgentOptions {
  const { values } = parseArgs({ args: [...args], options: FLAGS });
  const { url, attempt, round } = values;
  if (url === undefined || attempt === undefined || !/^\d{1,6}$/.test(round ?? '')) {
    throw new Error('The arguments `--url`, `--attempt` and `--round` are required.');
  }
  const variable = (name: string) => environment[name] ?? '';
  const uid = variable('POD_UID');
  if (uid === '') throw new Error('The variable `POD_UID` is required.');
  return {
    url,
    ca: environment[AGENT_CA_VARIABLE],
    attempt,
    round: Number(round),
    pod: { name: variable('POD_NAME'), uid, ip: variable('POD_IP'), node: variable('NODE_NAME') },
    tokenFile: values.token,
    shim: values.shim,
    folders: {
      shared: values.shared,
      work: values.work,
      tmp: values.tmp,
      commandTmp: values['command-tmp'],
      state: values.state,
    },
    terminationLog: values['termination-log'],
  };
}
