/** Chooses the strongest boundary that works on this machine, and confines runs with it. */
import { DaisError } from '@dais/api/errors';
import { machineMemory } from '#lib/system/machine-memory.ts';
import { run as runProgram } from '#lib/process.ts';
import { processIdentity } from '#lib/system/process-identity.mjs';
import { wrapWithBubblewrap, type BubblewrapMode } from './bubblewrap/bubblewrap.ts';
import {
  isolationRefusal,
  type Boundary,
  type Confined,
  type ConfineOptions,
  type FoundProgram,
  type IsolatedProcess,
  type IsolatedRun,
  type IsolatedStart,
  type Isolation,
  type IsolationOptions,
  type IsolationReport,
} from './contract.ts';
import { findControlGroups, sweepControlGroups, type ControlGroups } from './limits/control-groups.ts';
import { filterForNamespaces } from './filters.ts';
import { cpuShare } from './limits/cpu-share.ts';
import { guardCommand, type GuardLimits } from './limits/guard.ts';
import { landlockLacks, landlockRefusal, wrapWithLandlock } from './landlock/landlock.ts';
import { LANDLOCK_ABI, landlockProgram } from './landlock/launcher-program.ts';
import { isolationRemedy, readRestrictions } from './machine-restrictions.ts';
import { findOnPath, SYSTEM_PATH } from '#lib/system/find-on-path.ts';
import { closeOthersInShell } from '#lib/system/inherited-descriptors.ts';
import { findBubblewrap } from './programs.ts';
import { createScratch, descriptorsOf, RunProcess } from './run-process.ts';
import { testBoundary } from './self-test.ts';
import { ownPrivileges } from './user.ts';
import { subjectOf } from './run-messages.ts';

/** The boundary in use and how it is made. */
type Rung =
  | {
      readonly boundary: 'bubblewrap' | 'bubblewrap-without-proc';
      readonly mode: BubblewrapMode;
      readonly program: FoundProgram;
    }
  | { readonly boundary: 'landlock'; readonly perl: string; readonly abi: number }
  | { readonly boundary: 'none' };

interface Chosen {
  readonly rung: Rung;
  readonly report: IsolationReport;
  /** The programs that were found; new ones trigger another test. */
  readonly programs: string;
}

/** Default limit of processes and threads of one run. */
const DEFAULT_PROCESSES = 1024;
const DEFAULT_DISK_BYTES = 2 ** 30;
const DEFAULT_THREADS = 16;
const STACK_BYTES = 8 * 2 ** 20;
const DATA_MARGIN_BYTES = 128 * 2 ** 20;
const LEAST_DATA_BYTES = 512 * 2 ** 20;
/** From Node 24 on, V8 reserves this much for compiled code. The data limit counts it, although it is unused. */
const NODE_CODE_BYTES = 512 * 2 ** 20;
const GROUP_PREFIX = 'dais-runs';
/**
 * When the machine runs out of memory, a run is killed before Dais, and a query, which its caller can retry, before other runs.
 */
const OOM_SCORE = 500;
const QUERY_OOM_SCORE = 1000;

/** Sets the limits of each process, then executes the program. Arguments: KiB of data, 512-byte blocks of a file, processes. */
const LIMITS = `
unset PWD OLDPWD
ulimit -c 0
ulimit -d "$1"
ulimit -f "$2"
if [ -n "$3" ]; then ulimit -u "$3" 2>/dev/null || ulimit -p "$3" 2>/dev/null; fi
shift 3
exec "$@"
`;

/**
 * Enters control groups, closes descriptors of Dais, then executes the program. Arguments: score for the OOM killer, path of Perl,
 * number of groups, the groups, the program. \`kept\`: the descriptors of the run.
 */
const enter = (kept: readonly number[]) => `
echo "$1" >/proc/self/oom_score_adj
perl=$2
n=$3
shift 3
while [ "$n" -gt 0 ]; do
  echo 0 >"$1/cgroup.procs" || { echo "The control group $1 no longer exists." >&2; exit 125; }
  shift
  n=$((n - 1))
done
${closeOthersInShell(kept, '"$perl"')}
exec "$@"
`;

export interface OpenIsolationOptions extends IsolationOptions {
  /** Variables that identify the type of container, for the remedy. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
}

export function openIsolation(options: OpenIsolationOptions = {}): Isolation {
  return new LadderIsolation(options);
}

let shared: Isolation | undefined;

/** Returns the default engine of this process, with the programs of the machine. */
export function sharedIsolation(): Isolation {
  shared ??= openIsolation();
  return shared;
}

class LadderIsolation implements Isolation {
  readonly #options: OpenIsolationOptions;
  readonly #running = new Set<RunProcess>();
  #chosen: Promise<Chosen> | undefined;
  #groups: Promise<ControlGroups | undefined> | undefined;
  #lastId = 0;

  constructor(options: OpenIsolationOptions) {
    this.#options = options;
  }

  async report(): Promise<IsolationReport> {
    return (await this.#choose()).report;
  }

  async confine(run: IsolatedRun, options: ConfineOptions): Promise<Confined> {
    if (run.isolation === 'none') {
      return { boundary: 'none', command: asCommand(run.command), filter: Buffer.alloc(0), uid: undefined };
    }
    const { rung, report } = await this.#choose();
    if (rung.boundary === 'none') {
      throw new DaisError('invalid_request', isolationRefusal(subjectOf(run.workload), report));
    }
    return confineWith(rung, run, options);
  }

  async start(run: IsolatedRun, start: IsolatedStart): Promise<IsolatedProcess> {
    const { limits } = run;
    const memoryBytes = limits.memoryBytes ?? Math.floor(machineMemory() / 2);
    const processes = limits.processes ?? DEFAULT_PROCESSES;
    const groups = await this.#makeGroups(run, memoryBytes, processes);
    let scratch: string | undefined;
    try {
      const isConfined = run.isolation !== 'none';
      const { rung } = await this.#choose();
      const needsScratch = isConfined && rung.boundary === 'landlock';
      if (needsScratch) scratch = await createScratch();
      const sized: IsolatedRun = {
        ...run,
        command: [
          'sh',
          '-c',
          LIMITS,
          'dais-run',
          ...this.#limitWords(run, memoryBytes, groups !== undefined),
          ...run.command,
        ],
        limits: { ...limits, memoryBytes },
        files: {
          ...run.files,
          writable: [...run.files.writable, ...(scratch === undefined ? [] : [{ outside: scratch, inside: scratch }])],
        },
      };
      const { boundary, command, filter } = await this.confine(sized, {
        filterDescriptor: 4,
        hasControlGroups: groups !== undefined,
      });
      // With control groups and namespaces the kernel enforces all limits.
      const isHeldByKernel = groups !== undefined && boundary.startsWith('bubblewrap');
      const guard = isHeldByKernel
        ? undefined
        : this.#guard({
            memoryBytes: groups === undefined ? memoryBytes : undefined,
            processes,
            cpu: groups === undefined ? cpuShare(run.workload, limits.cpu) : undefined,
          });
      const folders = groups?.folders ?? [];
      const started = new RunProcess({
        run: { ...run, limits: { ...limits, processes, diskBytes: limits.diskBytes ?? DEFAULT_DISK_BYTES } },
        start: {
          ...start,
          variables: scratch === undefined ? start.variables : { ...start.variables, HOME: scratch, TMPDIR: scratch },
        },
        boundary,
        command: [
          'sh',
          '-c',
          enter(descriptorsOf({ hasSocket: start.hasSocket === true, hasGuard: guard !== undefined, filter })),
          'dais-run',
          String(run.workload === 'query' ? QUERY_OOM_SCORE : OOM_SCORE),
          this.#perl() ?? '',
          String(folders.length),
          ...folders,
          ...(guard ?? []),
          ...command,
        ],
        hasGuard: guard !== undefined,
        filter,
        groups,
        memoryBytes,
        scratch,
      });
      this.#running.add(started);
      void started.ended.then(() => this.#running.delete(started));
      return started;
    } catch (error) {
      await groups?.remove();
      throw error;
    }
  }

  async close(): Promise<void> {
    // A test has a separate folder, which is removed at its end.
    await this.#chosen?.catch(() => undefined);
    const ending = [...this.#running].map(async (run) => {
      run.kill('Dais is stopping');
      run.ref();
      await run.ended;
    });
    await Promise.all(ending);
    await (await this.#groups)?.sweep(() => true);
  }

  async #makeGroups(run: IsolatedRun, memoryBytes: number, processes: number) {
    if (this.#options.limits === 'rlimit') return undefined;
    this.#groups ??= findRunGroups();
    const groups = await this.#groups;
    if (groups === undefined) return undefined;
    this.#lastId += 1;
    const limits = { cpu: run.limits.cpu, memory: memoryBytes };
    const made = groups.of(`run-${this.#lastId}`, limits);
    try {
      made.make(limits, processes);
      return made;
    } catch {
      // The parent group was removed or is no longer writable: process limits and the guard remain.
      await made.remove();
      return undefined;
    }
  }

  #limitWords(run: IsolatedRun, memoryBytes: number, hasGroups: boolean): string[] {
    const { threads = DEFAULT_THREADS, diskBytes = DEFAULT_DISK_BYTES, processes = DEFAULT_PROCESSES } = run.limits;
    const { reservedBytes = memoryBytes + threads * STACK_BYTES + DATA_MARGIN_BYTES } = run.limits;
    const codeBytes = run.command[0] === process.execPath ? NODE_CODE_BYTES : 0;
    const data = Math.max(LEAST_DATA_BYTES, reservedBytes) + codeBytes;
    // It counts all processes of a user, which equals the run only with a separate user or in a user namespace.
    const isCountable = !hasGroups && run.isolation !== 'none' && this.#countsAlone;
    const reserved = Number.isFinite(data) ? String(Math.ceil(data / 1024)) : 'unlimited';
    return [reserved, String(Math.ceil(diskBytes / 512)), isCountable ? String(processes) : ''];
  }

  #countsAlone = false;

  #guard(limits: GuardLimits): string[] | undefined {
    const perl = this.#perl();
    return perl === undefined ? undefined : guardCommand(process.arch, perl, limits);
  }

  #perl(): string | undefined {
    return findOnPath('perl', this.#options.path);
  }

  async #choose(): Promise<Chosen> {
    const programs = findBubblewrap(this.#options);
    const names = programs.map(({ path }) => path).join(':');
    const before = await this.#chosen?.catch(() => undefined);
    // A program that was installed since, such as the bundled one, may isolate better.
    if (before !== undefined && (before.report.remedy === undefined || before.programs === names)) return before;
    if (this.#chosen === undefined || before !== undefined) {
      const choice = this.#try(programs, names);
      this.#chosen = choice;
      choice.catch(() => {
        if (this.#chosen === choice) this.#chosen = undefined;
      });
    }
    const chosen = await this.#chosen;
    this.#countsAlone = chosen.rung.boundary.startsWith('bubblewrap');
    return chosen;
  }

  async #try(programs: readonly FoundProgram[], names: string): Promise<Chosen> {
    const { boundaries, path = SYSTEM_PATH, variables = {} } = this.#options;
    const tried: { boundary: Boundary; reason: string }[] = [];
    const perl = this.#perl();
    const abi = await landlockAbi(perl);
    let found: Rung = { boundary: 'none' };
    for (const rung of rungs(programs, perl, abi)) {
      const { boundary } = rung;
      if (boundaries !== undefined && !boundaries.includes(boundary)) continue;
      const confine = (run: IsolatedRun) => confineWith(rung, run, { filterDescriptor: 0, hasControlGroups: false });
      const reason = await testBoundary({ boundary, perl, path, confine });
      if (reason === undefined) {
        found = rung;
        break;
      }
      const where = rung.boundary === 'landlock' ? '' : `${rung.program.path}: `;
      tried.push({ boundary, reason: `${where}${reason}` });
    }
    if (programs.length === 0) tried.unshift({ boundary: 'bubblewrap', reason: 'no program bwrap was found' });
    if (found.boundary === 'none' && abi < 1) {
      tried.push({
        boundary: 'landlock',
        reason: perl === undefined ? 'perl is not installed' : 'this kernel does not support Landlock',
      });
    }
    const isStrongest = found.boundary === 'bubblewrap';
    const groups = this.#options.limits === 'rlimit' ? undefined : await (this.#groups ??= findRunGroups());
    const report: IsolationReport = {
      boundary: found.boundary,
      limits: groups === undefined ? 'rlimit' : 'cgroup',
      identity: 'mode' in found && found.mode.asRoot ? 'own-user' : 'same-user',
      program: 'program' in found ? found.program : undefined,
      landlockAbi: abi,
      lacks: lacksOf(found),
      tried,
      reason: found.boundary === 'none' ? problemOf(tried) : undefined,
      remedy: isStrongest ? undefined : remedyOf(programs, tried, variables),
    };
    return { rung: found, report, programs: names };
  }
}

function confineWith(rung: Exclude<Rung, { boundary: 'none' }>, run: IsolatedRun, options: ConfineOptions): Confined;
function confineWith(rung: Rung, run: IsolatedRun, options: ConfineOptions): Confined;
function confineWith(rung: Rung, run: IsolatedRun, options: ConfineOptions): Confined {
  if (rung.boundary === 'none') {
    return { boundary: 'none', command: asCommand(run.command), filter: Buffer.alloc(0), uid: undefined };
  }
  if (rung.boundary !== 'landlock') return wrapWithBubblewrap(run, rung.mode, options);
  const refusal = landlockRefusal(run);
  if (refusal !== undefined)
    throw new DaisError('invalid_request', `${subjectOf(run.workload)} cannot run here: ${refusal}`);
  return wrapWithLandlock(run, rung);
}

/** From strong to weak. */
function* rungs(
  programs: readonly FoundProgram[],
  perl: string | undefined,
  abi: number,
): Generator<Rung & { boundary: Exclude<Boundary, 'none'> }> {
  const modes: Omit<BubblewrapMode, 'program'>[] = [
    ...(ownPrivileges().isFullRoot ? [{ asRoot: true, hasProc: true, disablesNamespaces: false }] : []),
    { asRoot: false, hasProc: true, disablesNamespaces: true },
    { asRoot: false, hasProc: true, disablesNamespaces: false },
    ...(ownPrivileges().isFullRoot ? [{ asRoot: true, hasProc: false, disablesNamespaces: false }] : []),
    { asRoot: false, hasProc: false, disablesNamespaces: false },
  ];
  // Without a seccomp filter, a run could create namespaces.
  const hasFilter = filterForNamespaces(true).length > 0;
  for (const mode of modes) {
    if (!mode.asRoot && !mode.disablesNamespaces && !hasFilter) continue;
    for (const program of programs) {
      const boundary = mode.hasProc ? 'bubblewrap' : 'bubblewrap-without-proc';
      yield { boundary, mode: { ...mode, program: program.path }, program };
    }
  }
  if (perl !== undefined && abi >= 1 && hasFilter && landlockProgram(process.arch) !== undefined) {
    yield { boundary: 'landlock', perl, abi };
  }
}

/** Asks the kernel, because the files with this information are often not mounted. */
async function landlockAbi(perl: string | undefined): Promise<number> {
  if (perl === undefined) return 0;
  const { code, stdout } = await runProgram(perl, ['-e', LANDLOCK_ABI], { timeoutMs: 10_000 });
  const abi = Number(stdout.toString('latin1'));
  return code === 0 && Number.isInteger(abi) && abi > 0 ? abi : 0;
}

async function findRunGroups(): Promise<ControlGroups | undefined> {
  await sweepControlGroups(GROUP_PREFIX);
  const own = processIdentity(process.pid);
  return own === undefined ? undefined : await findControlGroups(`${GROUP_PREFIX}-${own.pid}-${own.startTime}`);
}

function lacksOf(rung: Rung): string[] {
  switch (rung.boundary) {
    case 'bubblewrap':
      return rung.mode.asRoot ? [] : ['Runs of different owners share one user id outside their namespaces.'];
    case 'bubblewrap-without-proc':
      return ['A run has no /proc; programs that read it fail.'];
    case 'landlock':
      return landlockLacks(rung.abi);
    case 'none':
      return ['User code runs without isolation.'];
    default:
      return rung satisfies never;
  }
}

function problemOf(tried: readonly { readonly boundary: Boundary; readonly reason: string }[]): string {
  return tried.map(({ boundary, reason }) => `${boundary}: ${reason}`).join('; ');
}

function remedyOf(
  programs: readonly FoundProgram[],
  tried: IsolationReport['tried'],
  variables: Readonly<Record<string, string | undefined>>,
): string {
  const reasons = tried.filter(({ boundary }) => boundary.startsWith('bubblewrap')).map(({ reason }) => reason);
  if (programs.length > 0) {
    return isolationRemedy(readRestrictions(variables), { program: programs[0]?.path, reasons });
  }
  return 'Install bubblewrap (Debian, Ubuntu: `apt-get install bubblewrap`; Fedora: `dnf install bubblewrap`).';
}

function asCommand(command: readonly string[]): [string, ...string[]] {
  const [program = 'true', ...args] = command;
  return [program, ...args];
}
