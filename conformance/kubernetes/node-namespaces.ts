/**
 * The machine of a node: network, mount and process namespaces of Linux. When its first process ends, the kernel ends all processes of the node and
 * removes its mounts and network devices. Control groups are removed by `close`, or by the next node if this process was killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../tools/command.mjs';

/** Of the node in its network, and of this machine. Range for measurements between networks (RFC 2544). */
const NETWORK = '198.19.0';
export const NODE_ADDRESS = `${NETWORK}.2`;
export const HOST_ADDRESS = `${NETWORK}.1`;
export const POD_RANGE = '10.244.0.0/16';
const SERVICE_RANGE = '10.96.0.0/16';
/** Device of this machine, at most 15 characters. Only one node runs at a time. */
const HOST_DEVICE = 'dais-kube0';

/**
 * The first process. Mounts of pods are shared between the processes of the node, and none of them reaches this machine. Network namespaces of pods
 * have names in a folder of their own.
 */
const INIT = `
mount --make-rslave / && mount --make-rshared / || exit 1
mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && mount --make-rshared /run/netns || exit 1
ip link set lo up || exit 1
echo ready
exec sleep infinity
`;

export class NodeNamespaces {
  readonly #init: ChildProcess;
  /** Of the first process, as this machine numbers processes. */
  readonly #pid: number;
  readonly groups: string;

  private constructor(init: ChildProcess, pid: number) {
    this.#init = init;
    this.#pid = pid;
    this.groups = `dais-kubernetes-${process.pid}`;
  }

  /** @throws Error with the remedy where the machine has no namespaces, or where another node runs */
  static async open(): Promise<NodeNamespaces> {
    if (existsSync(`/sys/class/net/${HOST_DEVICE}`)) {
      throw new Error(`Another node of a test cluster runs on this machine: it has the network device ${HOST_DEVICE}.`);
    }
    removeGroups((name) => !isRunning(Number(name.split('-').at(-1))));
    const unshare = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
    const command = ['--pdeathsig', 'KILL', '--', ...unshare, 'sh', '-c', INIT];
    const init = spawn('setpriv', command, {
      cwd: '/',
      env: { PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    await untilReady(init);
    const pid = childOf(init.pid ?? 0);
    const node = new NodeNamespaces(init, pid);
    try {
      makeGroups(node.groups);
      await node.#connect();
    } catch (error) {
      await node.close();
      throw error;
    }
    return node;
  }

  /** Starts a program on the node. */
  get command(): readonly string[] {
    return ['nsenter', `--target=${this.#pid}`, '--net', '--mount', '--pid', '--'];
  }

  /** Runs a program of the node to its end, and returns its output. @throws Error with its output if it fails */
  async run(...command: readonly string[]): Promise<string> {
    return await must([...this.command, ...command]);
  }

  /** Host process ids of the node, with their command lines. */
  processes(): { readonly pid: number; readonly command: string }[] {
    const space = readlinkSync(`/proc/${this.#pid}/ns/pid`);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        try {
          // Pods have process namespaces of their own, below that of the node: all have more than one number.
          const numbers =
            /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${name}/status`, 'latin1'))?.[1]?.split('\t') ?? [];
          if (numbers.length < 2 && readlinkSync(`/proc/${name}/ns/pid`) !== space) return [];
          return [
            {
              pid: Number(name),
              command: readFileSync(`/proc/${name}/cmdline`, 'latin1').replaceAll('\0', ' ').trim(),
            },
          ];
        } catch {
          // It has ended in this moment.
          return [];
        }
      });
  }

  /** Ends all processes of the node, and removes its control groups. */
  async close(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      if (this.#init.exitCode !== null || this.#init.signalCode !== null) resolve();
      else this.#init.once('exit', () => resolve());
    });
    this.#init.kill('SIGKILL');
    await ended;
    await untilGone(this.#pid);
    removeGroups((name) => name === this.groups);
  }

  async #connect(): Promise<void> {
    await must(['ip', 'link', 'add', HOST_DEVICE, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(this.#pid)]);
    await must(['ip', 'address', 'add', `${HOST_ADDRESS}/24`, 'dev', HOST_DEVICE]);
    await must(['ip', 'link', 'set', HOST_DEVICE, 'up']);
    await this.run('ip', 'address', 'add', `${NODE_ADDRESS}/24`, 'dev', 'eth0');
    await this.run('ip', 'link', 'set', 'eth0', 'up');
    await this.run('ip', 'route', 'add', 'default', 'via', HOST_ADDRESS);
    const settings = ['net.ipv4.ip_forward=1', 'net.bridge.bridge-nf-call-iptables=1'];
    await this.run('sysctl', '-q', '-e', '-w', ...settings);
    for (const range of [POD_RANGE, SERVICE_RANGE]) await must(['ip', 'route', 'add', range, 'via', NODE_ADDRESS]);
  }
}

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

async function untilReady(init: ChildProcess): Promise<void> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.includes('ready\n')) resolve();
    };
    init.stdout?.on('data', read);
    init.stderr?.on('data', read);
    init.once('error', (error) => reject(unusable(error.message)));
    init.once('exit', () => reject(unusable(output.trim())));
  });
}

/** The process that `unshare` started: it runs in the new process namespace. */
function childOf(parent: number): number {
  const child = Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').trim().split(' ')[0]);
  if (!(child > 0)) throw unusable('unshare has no child process');
  return child;
}

async function untilGone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => void setTimeout(resolve, 20));
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** The kubelet requires its outermost control group in each hierarchy. */
function makeGroups(group: string): void {
  for (const hierarchy of hierarchies()) {
    const path = join(hierarchy, group);
    mkdirSync(path);
    // A group of version 1 starts without processors and memory.
    for (const name of ['cpuset.cpus', 'cpuset.mems']) {
      if (existsSync(join(path, name))) writeFileSync(join(path, name), readFileSync(join(hierarchy, name)));
    }
  }
}

/** The folders of control groups: one, or one of each controller in version 1. */
function hierarchies(): string[] {
  const folders = ['/sys/fs/cgroup', ...names('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name))];
  return existsSync('/sys/fs/cgroup/cgroup.procs')
    ? folders.slice(0, 1)
    : folders.filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

/** Removes the control groups of nodes, of each hierarchy, from the innermost on. */
function removeGroups(select: (name: string) => boolean): void {
  for (const hierarchy of hierarchies()) {
    for (const name of names(hierarchy)) {
      if (name.startsWith('dais-kubernetes-') && select(name)) removeGroup(join(hierarchy, name));
    }
  }
}

function removeGroup(path: string): void {
  for (const name of names(path)) removeGroup(join(path, name));
  try {
    rmdirSync(path);
  } catch {
    // A process of it is still ending, or it is gone.
  }
}

/** Names of the folders in a folder; empty if it cannot be read. */
function names(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

async function must([program = '', ...args]: readonly string[]): Promise<string> {
  const { code, output } = await runCommand(program, args, { quiet: true, cwd: '/', env: { PATH } });
  if (code !== 0) throw unusable(`${[program, ...args].join(' ')}: ${output.trim()}`);
  return output;
}

function unusable(reason: string): Error {
  return new Error(
    `A node of a test cluster needs network, mount and process namespaces: ${reason}. Run it as root on Linux, with iproute2, iptables and util-linux; ` +
      'in a container with the capabilities NET_ADMIN and SYS_ADMIN.',
  );
}
