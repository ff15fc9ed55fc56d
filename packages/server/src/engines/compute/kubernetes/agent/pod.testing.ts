/** A pod: the container of the command with the real shim, and the agent as a process of its own, which can be killed. Needs root. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { start, type ChildProcess } from '#lib/process.ts';
import { bundleAgent } from '../../../../../../../tools/agent.mjs';
import { shimProgram, type ShimMachine } from '../../../../../../../tools/shim.mjs';
import type { AgentOrder } from '../agent-api.ts';
import { TestDais } from './dais.testing.ts';
import { Container } from './shim.testing.ts';

let program: Promise<string> | undefined;

/** Returns the source of the bundled agent. */
async function agentProgram(): Promise<string> {
  program ??= bundleAgent();
  return await program;
}

export interface PodOptions extends Partial<Omit<AgentOrder, 'inputs' | 'limits'>> {
  readonly limits?: Partial<AgentOrder['limits']>;
  readonly inputs?: readonly { readonly path: string; readonly bytes: Buffer; readonly executable?: boolean }[];
  /** `startContainer` of the pod starts the container of the command, whose image is still being pulled. */
  readonly isPulling?: boolean;
  /** Called before the agent starts. */
  readonly prepare?: (dais: TestDais) => void;
}

export class Pod {
  readonly dais: TestDais;
  readonly container: Container;
  /** What the agent wrote into the log of its container. */
  complaints = '';
  #agent: ChildProcess | undefined;

  constructor(dais: TestDais, container: Container) {
    this.dais = dais;
    this.container = container;
  }

  get folder(): string {
    return this.container.folder;
  }

  /** Starts the agent, as kubelet does after each end of it. */
  async startAgent(): Promise<void> {
    const { folder, dais } = this;
    const shared = join(folder, 'dais');
    const flags = {
      url: dais.url,
      attempt: 'a-1',
      round: '1',
      token: join(folder, 'token'),
      shim: await shimProgram(process.arch as ShimMachine),
      shared,
      work: join(folder, 'work'),
      tmp: join(folder, 'tmp'),
      'command-tmp': join(folder, 'tmp'),
      state: join(folder, 'state'),
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const env = { POD_NAME: 'pod', POD_UID: 'uid', POD_IP: '10.0.0.1', NODE_NAME: 'node' };
    // As in the image of the agent.
    const agent = start(process.execPath, ['--max-semi-space-size=2', join(folder, 'agent.mjs'), ...args], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    agent.stderr?.on('data', (bytes: Buffer) => (this.complaints += bytes.toString('utf8')));
    this.#agent = agent;
  }

  get agentPid(): number {
    return this.#agent?.pid ?? 0;
  }

  async signalAgent(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string> {
    const agent = this.#agent;
    if (agent === undefined) throw new Error('The agent does not run.');
    if (agent.exitCode === null && agent.signalCode === null) {
      agent.kill(signal);
      await once(agent, 'exit');
    }
    return agent.exitCode ?? agent.signalCode ?? 0;
  }

  async restartAgent(): Promise<void> {
    await this.signalAgent('SIGKILL');
    await this.startAgent();
  }

  /** Waits for the end of the container of the command, then stops the agent like kubelet. Returns the exit codes of both. */
  async finish(): Promise<{ readonly shim: number; readonly agent: number | string }> {
    const shim = await this.container.exitCode();
    return { shim, agent: await this.signalAgent('SIGTERM') };
  }

  /** @throws Error when the agent sent what Dais cannot rely on */
  async end(): Promise<void> {
    if (this.#agent !== undefined) await this.signalAgent('SIGKILL');
    await this.container.end();
    await this.dais.stop();
    const { violations } = this.dais;
    if (violations.length > 0) throw new Error(`The agent broke the protocol: ${violations.join('; ')}`);
  }
}

/** Starts a pod, and Dais with its task. */
export async function startPod(
  command: readonly [string, ...string[]],
  { inputs = [], isPulling = false, prepare, ...order }: PodOptions = {},
): Promise<Pod> {
  const dais = new TestDais(
    {
      command,
      variables: {},
      secretVariables: {},
      path: [],
      outputs: [],
      ...order,
      inputs: inputs.map(({ path, bytes, executable = false }) => ({
        path,
        executable,
        size: bytes.length,
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })),
      limits: { logBytes: 1 << 20, graceMs: 10_000, collectMs: 600_000, ...order.limits },
    },
    inputs.map(({ bytes }) => bytes),
  );
  await dais.start();
  prepare?.(dais);
  const container = new Container(mkdtempSync(join(tmpdir(), 'dais-pod-')), { hasNoAgent: true });
  const pod = new Pod(dais, container);
  try {
    await container.prepare();
    if (!isPulling) await container.start();
    await writeFile(join(pod.folder, 'token'), `${dais.token}\n`);
    await writeFile(join(pod.folder, 'agent.mjs'), await agentProgram());
    await mkdir(join(pod.folder, 'state'));
    await pod.startAgent();
    return pod;
  } catch (error) {
    await pod.end();
    throw error;
  }
}
