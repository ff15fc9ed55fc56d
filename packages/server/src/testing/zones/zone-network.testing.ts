/**
 * Zones on one machine: network namespaces of Linux, each connected to a switch in a namespace of its own. This process is connected to the
 * switch too, at an address at which it offers services to all zones. Needs root and the programs of `iproute2`, `iptables` and `util-linux`.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { run, start, type ChildProcess } from '#lib/process.ts';

const PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Of RFC 2544, for measurements between networks: nothing on the internet has these addresses. */
const NETWORK = '198.18';
/** Numbers of networks that tests running at the same time may use. */
const NETWORKS = 250;
const FIRST_HOST = 11;

/** Of this process. */
let opened = 0;

/**
 * Ends what a test leaves, however it ends: the pipe closes with the test. Arguments: the folder to remove, and one process of each namespace. Keeps
 * the namespaces open, so that nothing else gets their numbers. Namespaces, and the devices in them, disappear with their last process.
 */
const GUARD = `
folder=$1
shift
descriptor=3
zones=
for keeper in "$@"; do
  eval "exec $descriptor< /proc/$keeper/ns/net"
  zones="$zones $(readlink "/proc/$keeper/ns/net")"
  descriptor=$((descriptor + 1))
done
echo ready
while read -r line; do :; done
for attempt in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for process in /proc/[0-9]*; do
    namespace=$(readlink "$process/ns/net" 2>/dev/null) || continue
    case "$zones " in
      *" $namespace "*) left=1; kill -KILL "\${process#/proc/}" 2>/dev/null ;;
    esac
  done
  [ -n "$left" ] || break
  sleep 0.2
done
rm -rf -- "$folder"
`;

export class ZoneNetwork {
  /** Where this process offers services to all zones. */
  readonly address: string;
  /** Of all addresses, for lists of clients that may connect. */
  readonly range: string;
  readonly zones: readonly Zone[];
  readonly #guard: ChildProcess;

  private constructor(range: string, address: string, zones: readonly Zone[], guard: ChildProcess) {
    this.range = range;
    this.address = address;
    this.zones = zones;
    this.#guard = guard;
  }

  /**
   * Creates so many zones. `folder` is removed at the end, also if this process is killed.
   * @throws Error with the remedy where the machine has no network namespaces.
   */
  static async open(count: number, folder: string): Promise<ZoneNetwork> {
    opened += 1;
    const number = 1 + ((process.pid + opened) % NETWORKS);
    const range = `${NETWORK}.${number}`;
    const address = `${range}.1`;
    const keepers: ChildProcess[] = [];
    try {
      const hub = await keeper(keepers);
      // At most 15 characters.
      const uplink = `dz${process.pid}-${opened}`;
      const inHub = async (...words: readonly string[]) => await must([...inside(hub), 'ip', ...words]);
      await inHub('link', 'add', 'hub', 'type', 'bridge');
      await inHub('link', 'set', 'hub', 'up');
      await must(['ip', 'link', 'add', uplink, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', String(hub)]);
      await inHub('link', 'set', 'uplink', 'master', 'hub', 'up');
      await must(['ip', 'address', 'add', `${address}/24`, 'dev', uplink]);
      await must(['ip', 'link', 'set', uplink, 'up']);
      const zones: Zone[] = [];
      for (let at = 0; at < count; at += 1) {
        const pid = await keeper(keepers);
        const port = `zone${at}`;
        const host = `${range}.${FIRST_HOST + at}`;
        const inZone = async (...words: readonly string[]) => await must([...inside(pid), 'ip', ...words]);
        await inHub('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(pid));
        await inHub('link', 'set', port, 'master', 'hub', 'up');
        await inZone('address', 'add', `${host}/24`, 'dev', 'eth0');
        for (const device of ['eth0', 'lo']) await inZone('link', 'set', device, 'up');
        zones.push(new Zone({ address: host, pid, hub, port }));
      }
      const pids = keepers.map(({ pid }) => String(pid));
      const guard = await started('sh', ['-c', GUARD, 'guard', folder, ...pids]);
      guard.unref();
      return new ZoneNetwork(`${range}.0/24`, address, zones, guard);
    } catch (error) {
      for (const one of keepers) one.kill('SIGKILL');
      throw error;
    }
  }

  /** Ends all processes of all zones, and removes the folder. */
  async close(): Promise<void> {
    this.#guard.ref();
    const ended = new Promise<void>((resolve) => this.#guard.once('exit', () => resolve()));
    this.#guard.stdin?.end();
    await ended;
  }
}

interface ZonePlace {
  readonly address: string;
  /** The process that keeps the namespace. */
  readonly pid: number;
  /** The process that keeps the namespace of the switch, and the device there. */
  readonly hub: number;
  readonly port: string;
}

export class Zone {
  readonly address: string;
  readonly #place: ZonePlace;

  constructor(place: ZonePlace) {
    this.address = place.address;
    this.#place = place;
  }

  /** What starts a program in this zone, with the process id of the program. */
  get command(): readonly string[] {
    return inside(this.#place.pid);
  }

  /** No packet enters or leaves the zone, and nobody is notified. */
  async disconnect(): Promise<void> {
    await must([...inside(this.#place.hub), 'ip', 'link', 'set', this.#place.port, 'nomaster']);
  }

  async connect(): Promise<void> {
    await must([...inside(this.#place.hub), 'ip', 'link', 'set', this.#place.port, 'master', 'hub']);
  }

  /** Packets from the zone to these TCP ports are lost, in this direction only. */
  async block(ports: readonly number[]): Promise<void> {
    for (const port of ports) await this.#firewall('-A', port);
  }

  async unblock(ports: readonly number[]): Promise<void> {
    for (const port of ports) await this.#firewall('-D', port);
  }

  /** The living processes, in the order of their ids. */
  processes(): number[] {
    const namespace = namespaceOf(this.#place.pid);
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => pid !== this.#place.pid && namespaceOf(pid) === namespace);
  }

  /** Sends a signal to all processes at the same moment, as far as one machine can. */
  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended in this moment.
      }
    }
  }

  async #firewall(change: '-A' | '-D', port: number): Promise<void> {
    const rule = ['OUTPUT', '-p', 'tcp', '--dport', String(port), '-j', 'DROP'];
    await must([...inside(this.#place.pid), 'iptables', '-w', change, ...rule]);
  }
}

const inside = (pid: number): readonly string[] => ['nsenter', `--net=/proc/${pid}/ns/net`, '--'];

/** Starts a process with a network namespace of its own. */
async function keeper(keepers: ChildProcess[]): Promise<number> {
  const child = await started('unshare', ['--net', 'sh', '-c', 'echo ready; exec sleep infinity']);
  keepers.push(child);
  child.unref();
  return child.pid ?? 0;
}

/** Starts a program that prints `ready`. */
async function started(program: string, args: readonly string[]): Promise<ChildProcess> {
  // Ctrl-C in the terminal ends the test, which then ends this.
  const child = start(program, args, { env: { PATH }, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString('utf8');
      if (output.startsWith('ready')) resolve();
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => reject(unusable(error.message)));
    child.once('exit', () => reject(unusable(output.trim())));
  });
  child.stdout?.destroy();
  child.stderr?.destroy();
  (child.stdin as Socket | null)?.unref();
  return child;
}

async function must([program = '', ...args]: readonly string[]): Promise<void> {
  const { code, stderr } = await run(program, args, { env: { PATH } });
  if (code !== 0) throw unusable(`${[program, ...args].join(' ')}: ${stderr.trim()}`);
}

function unusable(reason: string): Error {
  return new Error(
    `This test needs network namespaces, and this machine does not give them: ${reason}. Run it as root on Linux, with iproute2, ` +
      'iptables and util-linux; in a container with the capabilities NET_ADMIN and SYS_ADMIN.',
  );
}

/** Empty for a process that has ended. */
function namespaceOf(pid: number): string {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    if (status.slice(status.lastIndexOf(')') + 2).startsWith('Z')) return '';
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}
