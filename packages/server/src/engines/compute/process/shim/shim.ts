/**
 * The program between this process and a task: POSIX sh with the tools of coreutils and util-linux, one per attempt, in a
 * separate session. It does not need Dais once it runs, so it survives when Dais is killed or replaced. The files that it
 * leaves in the folder of the attempt are the only record of the task.
 *
 * `go` blocks an isolated task until its network is ready: a named pipe that only the shim keeps open for writing, so a waiting
 * task ends with its shim. `started`, which can be created only once, fences a second start. `pid` identifies the shim before
 * the command runs; it is valid when its line is complete. `begun` records that the command was found. `end` records how it
 * ended; it becomes `rc` when the output is complete.
 *
 * Each program that it calls costs a millisecond of CPU per step, so it calls few.
 */

import type { OutsideProgram } from '#engines/isolation/outside-programs.ts';
import { closeOthersInShell } from '#lib/system/inherited-descriptors.ts';
import { MASKER_IN_JAVASCRIPT } from './log-masker.ts';

/** The line in `go` that lets an isolated task continue. */
export const CONTINUE_LINE = 'go';

/** Exit code of a shim that found another one running. */
export const SECOND_START = 75;

/** How often a shim in sh checks whether its folder still exists: each check is a process. */
const REMOVAL_CHECK_SECONDS = 2;

/**
 * Arguments: folder, bytes of a log segment, number of kept segments, number of control groups, Node and its masking program,
 * the control groups, the program.
 *
 * Output goes through a pipe to a writer that starts a new file when one is full and removes the oldest: a file that the task
 * writes directly could not be truncated without Dais. Both survive `kill -9` of Dais.
 *
 * `watch` ends the task when its folder is removed: nothing can continue it, cancel it or read its result. It ends itself
 * after that, so the process that becomes the task checks for the removal too. Watcher and writer start before `go` is opened,
 * so that neither keeps it open when the shim is killed. The shim opens `out` for both directions first: the open of a named
 * pipe waits for the other side, and a writer whose shim ended early would wait forever.
 *
 * The message of `sh` for a child that a signal ended ("Killed" on its standard error) distinguishes exit code 137 from
 * SIGKILL. For SIGINT and SIGPIPE it prints nothing, so 130 and 141 count as signals. The files for that message and for the
 * end are created in advance and overwritten in place, so that neither needs space on a full disk.
 */
const SHIM = `
cd "$1" || exit 1
segment=$2 keep=$3 groups=$4 node=$5 masker=$6
shift 6
umask 077
set -C
true >started || exit ${SECOND_START}
set +C
trap : HUP INT QUIT TERM
birth() {
  read -r line </proc/$$/stat
  set -- \${line##*) }
  shift 19
  start=$1
}
read -r boot </proc/sys/kernel/random/boot_id
birth
printf '................\\n' >death && printf '%96s\\n' '' >end.tmp && mkfifo out go && printf '%s %s %s\\n' "$$" "$start" "$boot" >pid || exit 1
masked=0
if [ -s mask ]; then masked=1; exec 6<mask; fi
write() {
  number=0
  while :; do
    stdbuf -o0 head -c "$segment" >"logs/$number"
    failed=$?
    if [ ! -e started ]; then break; elif [ "$failed" != 0 ]; then sleep 1; elif [ ! -s "logs/$number" ]; then break; fi
    size=$(wc -c <"logs/$number")
    number=$((number + 1))
    if [ "$failed" = 0 ] && [ "$size" -lt "$segment" ]; then break; fi
    rm -f "logs/$((number - keep))"
  done
}
exec 8<>out
{
  if [ "$masked" = 1 ]; then "$node" -e "$masker" | write; else write; fi
} <out >/dev/null 2>&1 8<&- &
writer=$!
exec 6<&-
end_tree() {
  kill -STOP "$1"
  for thread in "/proc/$1/task"/*; do
    below=
    read -r below <"$thread/children"
    for child in $below; do end_tree "$child"; done
  done
  kill -KILL "-$1"
  kill -KILL "$1"
}
watch() {
  trap 'kill "$nap"; exit' TERM
  while [ -e started ]; do
    kill -0 $$ || exit
    sleep ${REMOVAL_CHECK_SECONDS} &
    nap=$!
    wait "$nap"
  done
  read -r self rest </proc/self/stat
  read -r tasks </proc/$$/task/$$/children
  for task in $tasks; do
    if [ "$task" != "$self" ] && [ "$task" != "$writer" ]; then end_tree "$task"; fi
  done
}
watch </dev/null >/dev/null 2>&1 8<&- &
watcher=$!
exec 3<env 2<>death 4<>death 7<>go
rm -f env mask
(
  if [ -e cancel ] || [ ! -e started ]; then exit 143; fi
  while [ "$groups" -gt 0 ]; do
    echo 0 >"$1/cgroup.procs" || { echo "the control group $1 no longer exists" >&9; exit 125; }
    shift
    groups=$((groups - 1))
  done
  umask 022
  ${closeOthersInShell([3, 4, 5, 7, 9], '$(command -v perl)')}
  exec setsid "$@"
) >out 2>&1 </dev/null 8<&- 5<../../seccomp.bpf 7<go 9>begun
code=$?
exec 3<&- 4<&- 7<&- 8<&-
[ -e started ] || exit 0
kill "$watcher"
read -r word <death
signal=0
case $word in .*) ;; *) signal=1 ;; esac
case $code in 130 | 141) signal=1 ;; esac
until { printf '%s %s\\n' "$code" "$signal" && times; } 1<>end.tmp && mv end.tmp end; do [ -e started ] || exit 0; sleep 1; done
while kill -0 "$writer"; do wait "$writer"; done
mv end rc
`;

/**
 * Runs as the user of the task, inside its confinement. It reads variables from descriptor 3, so that they are on no command
 * line and do not affect programs outside the confinement (LD_PRELOAD). Arguments: KiB of memory for each process or
 * `unlimited`, number of processes, working folder, the command.
 */
const INNER = (variables: string) => `
ulimit -c 0
ulimit -d "$1"
ulimit -u "$2" 2>/dev/null || ulimit -p "$2" 2>/dev/null
cd "$3" || exit 125
shift 3
${variables}
found() {
  case $1 in
    */*) [ -f "$1" ] && [ -x "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}
found "$1" || { echo "the program $1 is not on its PATH ($PATH), or is not executable" >&9; exit 127; }
echo begun >&9
`;

/** The task replaces this shell. The file is deleted by then, but its owner could reopen the descriptor. */
const IN_ITS_PLACE = `${INNER('. /proc/self/fd/3')}
exec "$@" 3<&- 4<&- 5<&- 7>&- 9>&-
`;

/**
 * Waits for the line in `go`. The end of the pipe means that the shim has ended. `--block-fd` of bwrap would continue then, and
 * it waits before bwrap has tied its inner process to the outer one.
 */
const WAIT = `
read -r word <&7
[ "$word" = ${CONTINUE_LINE} ] || exit 125
`;

/**
 * bwrap reports a signal as an exit code, so a shell inside it writes to \`death\` what the shim cannot see. It receives TERM
 * together with the task and must outlive it.
 */
const BELOW = (
  cat: readonly string[],
  waits: boolean,
) => `${waits ? WAIT : ''}${INNER(`eval "$(${cat.map(quoted).join(' ')} <&3)"`)}
trap : HUP INT QUIT TERM
exec 8>&2 2>&4 3<&- 4<&- 5<&- 7>&- 9>&-
(exec "$@" 2>&8 8>&-)
exit "$?"
`;

export interface InnerOptions {
  /** Limit of each process; undefined: not limited here. */
  readonly dataBytes: number | undefined;
  readonly maxProcesses: number;
  readonly isolated: boolean;
  readonly work: string;
  /** For isolated tasks: waits for `GO_ON` before the command runs. */
  readonly waits: boolean;
  /** For isolated tasks in an image: how programs of the machine are started there. */
  readonly outside?: OutsideProgram | undefined;
}

export function innerCommand(
  command: readonly string[],
  { dataBytes, maxProcesses, isolated, work, waits, outside = here }: InnerOptions,
): string[] {
  const data = dataBytes === undefined ? 'unlimited' : String(Math.ceil(dataBytes / 1024));
  const script = isolated ? BELOW(outside('cat'), waits) : IN_ITS_PLACE;
  return [...outside('sh'), '-c', script, 'dais-step', data, String(maxProcesses), work, ...command];
}

export interface ShimArguments {
  readonly folder: string;
  readonly segmentBytes: number;
  readonly segments: number;
  readonly controlGroups: readonly string[];
  readonly program: readonly string[];
}

export function shimArguments({ folder, program, ...rest }: ShimArguments): string[] {
  const groups = rest.controlGroups;
  const numbers = [String(rest.segmentBytes), String(rest.segments)];
  const masker = [process.execPath, MASKER_IN_JAVASCRIPT];
  return ['-c', SHIM, 'dais-shim', folder, ...numbers, String(groups.length), ...masker, ...groups, ...program];
}

const here: OutsideProgram = (name) => [name];

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Lines for `eval` of any POSIX shell. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join('');
}
