/**
 * System call filters as classic BPF programs, for `bwrap --seccomp` or `prctl(PR_SET_SECCOMP)`. The basic filter
 * denies namespaces, mounts, keys and kernel interfaces that data programs do not need and exploits use. The options
 * deny what a process without namespaces could do to other processes and files of its user.
 */

export interface SeccompOptions {
  /** Denies memory that no process's resident size shows: memfd and shared memory of System V. */
  readonly denyHiddenMemory?: boolean;
  /** Changes of the cores that a process runs on report success and do nothing. */
  readonly keepCores?: boolean;
  /** For a process that shares user, network and process numbers with others. */
  readonly sharedUser?: {
    /** `tcp`: connections of TCP only; the caller limits the ports. */
    readonly sockets: 'none' | 'tcp';
    /**
     * Another mechanism limits signals to the process tree. Otherwise the process may signal only itself and its group.
     */
    readonly signalsAreScoped: boolean;
    /** Another mechanism controls truncation by path. */
    readonly truncationIsControlled: boolean;
  };
}

/** In place of the number of the process that the filter is for, which its launcher puts there (little endian). */
const OWN_PID = 0x7fff_fff1;

/** Numbers of system calls on x86-64 and arm64; undefined where the call does not exist. */
type Numbers = readonly [x64: number | undefined, arm64: number | undefined];

const same = (number: number): Numbers => [number, number];

/** pivot_root acct mount umount2 swapon swapoff reboot init_module delete_module kexec_load add_key request_key keyctl unshare
 * perf_event_open open_by_handle_at setns finit_module kexec_file_load bpf userfaultfd */
const KERNEL_INTERFACES: readonly Numbers[] = [
  [155, 41],
  [163, 89],
  [165, 40],
  [166, 39],
  [167, 224],
  [168, 225],
  [169, 142],
  [175, 105],
  [176, 106],
  [246, 104],
  [248, 217],
  [249, 218],
  [250, 219],
  [272, 97],
  [298, 241],
  [304, 265],
  [308, 268],
  [313, 273],
  [320, 294],
  [321, 280],
  [323, 282],
  // io_uring_setup … mount_setattr
  ...[425, 426, 427, 428, 429, 430, 431, 432, 433, 442].map(same),
];

/** memfd_create memfd_secret shmget shmat */
const HIDDEN_MEMORY: readonly Numbers[] = [[319, 279], same(447), [29, 194], [30, 196]];

/** ptrace process_vm_readv process_vm_writev kcmp pidfd_send_signal pidfd_open pidfd_getfd process_madvise process_mrelease
 * chroot migrate_pages move_pages ioprio_set sched_setscheduler sched_setparam sched_setattr tkill */
const OTHER_PROCESSES: readonly Numbers[] = [
  [101, 117],
  [310, 270],
  [311, 271],
  [312, 272],
  ...[424, 434, 438, 440, 448].map(same),
  [161, 51],
  [256, 238],
  [279, 239],
  [251, 30],
  [144, 119],
  [142, 118],
  [314, 274],
  [200, 130],
];

/** shmget shmat shmctl semget semop semctl semtimedop msgget msgsnd msgrcv msgctl mq_open mq_unlink */
const OTHER_MEMORY: readonly Numbers[] = [
  [29, 194],
  [30, 196],
  [31, 195],
  [64, 190],
  [65, 193],
  [66, 191],
  [220, 192],
  [68, 186],
  [69, 189],
  [70, 188],
  [71, 187],
  [240, 180],
  [241, 181],
];

/** inotify_add_watch fanotify_init fanotify_mark name_to_handle_at quotactl quotactl_fd */
const OTHER_FILES: readonly Numbers[] = [[254, 27], [300, 262], [301, 263], [303, 264], [179, 60], same(443)];

/**
 * chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes utimensat futimesat, then those of extended
 * attributes. They report success without an effect: programs that copy files call them and do not expect a failure.
 */
const ATTRIBUTES: readonly Numbers[] = [
  [90, undefined],
  [91, 52],
  [268, 53],
  same(452),
  [92, undefined],
  [93, 55],
  [94, undefined],
  [260, 54],
  [132, undefined],
  [235, undefined],
  [280, 88],
  [261, undefined],
  [188, 5],
  [189, 6],
  [190, 7],
  [197, 14],
  [198, 15],
  [199, 16],
  ...[463, 466, 469].map(same),
];

const CLONE: Numbers = [56, 220];
const CLONE3 = same(435);
const SOCKET: Numbers = [41, 198];
const LISTEN: Numbers = [50, 201];
const SENDTO: Numbers = [44, 206];
const SENDMSG: Numbers = [46, 211];
const SENDMMSG: Numbers = [307, 269];
const MMAP: Numbers = [9, 222];
const FCNTL: Numbers = [72, 25];
const IOCTL: Numbers = [16, 29];
const PRLIMIT64: Numbers = [302, 261];
const SETPRIORITY: Numbers = [141, 140];
const SCHED_SETAFFINITY: Numbers = [203, 122];
const TRUNCATE: Numbers = [76, 45];
const OPEN: Numbers = [2, undefined];
const OPENAT: Numbers = [257, 56];
const OPENAT2 = same(437);
/** kill tgkill rt_sigqueueinfo rt_tgsigqueueinfo */
const SIGNALS: readonly Numbers[] = [
  [62, 129],
  [234, 131],
  [129, 138],
  [297, 240],
];

/** AUDIT_ARCH of linux/audit.h, and the place of the machine in `Numbers`. */
const MACHINES: Readonly<Record<string, readonly [arch: number, at: 0 | 1]>> = {
  x64: [0xc000003e, 0],
  arm64: [0xc00000b7, 1],
};

const LOAD = 0x20;
const AND = 0x54;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const RETURN = 0x06;
const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const FAIL = 0x0005_0000;
const SUCCESS = FAIL;
const EPERM = FAIL | 1;
const ENOMEM = FAIL | 12;
const ENOSYS = FAIL | 38;
/** NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NEW = 0x7e02_0000;
const CLONE_NEWUSER = 0x1000_0000;
/** Calls of the x32 ABI, which a filter by number would miss. */
const X32 = 0x4000_0000;
const NUMBER = 0;
const ARCH = 4;
const ARGUMENTS = 16;

/** True if `argument & mask` is (or with `not`, is none of) one of `values`. Only the lower 32 bits are compared. */
interface Condition {
  readonly argument: number;
  readonly mask?: number;
  readonly values: readonly number[];
  readonly not?: boolean;
}

type Instruction = [code: number, ifTrue: number, ifFalse: number, value: number];

/** Undefined for architectures with unknown numbers. */
export function seccompFilter(machine: string, options: SeccompOptions = {}): Buffer | undefined {
  const known = MACHINES[machine];
  if (known === undefined) return undefined;
  const [arch, at] = known;
  const { denyHiddenMemory = false, keepCores = false, sharedUser } = options;
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCH],
    [JUMP_EQUAL, 1, 0, arch],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
    [JUMP_AT_LEAST, 0, 1, X32],
    [RETURN, 0, 0, EPERM],
  ];
  /** The result of `call` if all conditions hold. */
  const rule = (call: Numbers, result: number, conditions: readonly Condition[] = []) => {
    const number = call[at];
    if (number === undefined) return;
    const body: Instruction[] = conditions.length === 0 ? [] : conditionsOf(conditions);
    body.push([RETURN, 0, 0, result]);
    if (conditions.length > 0) body.push([LOAD, 0, 0, NUMBER]);
    program.push([JUMP_EQUAL, 0, body.length, number], ...body);
  };
  for (const call of KERNEL_INTERFACES) rule(call, EPERM);
  if (denyHiddenMemory || sharedUser !== undefined) for (const call of HIDDEN_MEMORY) rule(call, EPERM);
  // OpenMP and onnxruntime call it for each of their threads and report a failure.
  if (keepCores) rule(SCHED_SETAFFINITY, SUCCESS);
  // Its flags are in memory, which a filter cannot read: libraries then use clone.
  rule(CLONE3, ENOSYS);
  const namespaces = sharedUser === undefined ? CLONE_NEWUSER : CLONE_NEW;
  rule(CLONE, EPERM, [{ argument: 0, mask: namespaces, values: [0], not: true }]);
  if (sharedUser !== undefined) sharedUserRules(rule, sharedUser);
  program.push([RETURN, 0, 0, ALLOW]);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}

type Rule = (call: Numbers, result: number, conditions?: readonly Condition[]) => void;

function sharedUserRules(
  rule: Rule,
  { sockets, signalsAreScoped, truncationIsControlled }: NonNullable<SeccompOptions['sharedUser']>,
): void {
  for (const call of [...OTHER_PROCESSES, ...OTHER_MEMORY, ...OTHER_FILES]) rule(call, EPERM);
  for (const call of ATTRIBUTES) rule(call, SUCCESS);
  // MAP_SHARED with MAP_ANONYMOUS: RLIMIT_DATA does not count it.
  rule(MMAP, ENOMEM, [{ argument: 3, mask: 0x21, values: [0x21] }]);
  rule(PRLIMIT64, EPERM, [{ argument: 0, values: [0], not: true }]);
  rule(SETPRIORITY, EPERM, [{ argument: 1, values: [0], not: true }]);
  // OpenMP and onnxruntime call it for each of their threads and report a failure.
  rule(SCHED_SETAFFINITY, SUCCESS, [{ argument: 0, values: [0], not: true }]);
  // F_SETOWN and F_SETOWN_EX, FIOSETOWN and SIOCSPGRP have the kernel send signals; TIOCSTI types into a terminal.
  rule(FCNTL, EPERM, [{ argument: 1, values: [8, 15] }]);
  rule(IOCTL, EPERM, [{ argument: 1, values: [0x8901, 0x8902, 0x5412] }]);
  if (sockets === 'none') {
    rule(SOCKET, EPERM);
  } else {
    // AF_INET and AF_INET6; SOCK_STREAM; the default protocol or TCP, as Landlock does not control MPTCP.
    rule(SOCKET, EPERM, [{ argument: 0, values: [2, 10], not: true }]);
    rule(SOCKET, EPERM, [{ argument: 1, mask: 0xf, values: [1], not: true }]);
    rule(SOCKET, EPERM, [{ argument: 2, values: [0, 6], not: true }]);
    rule(LISTEN, EPERM);
    // MSG_FASTOPEN connects without `connect`.
    const fastOpen = (argument: number): Condition[] => [{ argument, mask: 0x2000_0000, values: [0], not: true }];
    rule(SENDTO, EPERM, fastOpen(3));
    rule(SENDMSG, EPERM, fastOpen(2));
    rule(SENDMMSG, EPERM, fastOpen(3));
  }
  if (!signalsAreScoped) {
    for (const call of SIGNALS) rule(call, EPERM, [{ argument: 0, values: [0, OWN_PID], not: true }]);
  }
  if (!truncationIsControlled) {
    rule(TRUNCATE, EPERM);
    // O_TRUNC on a file that is opened for reading only.
    rule(OPEN, EPERM, [{ argument: 1, mask: 0x203, values: [0x200] }]);
    rule(OPENAT, EPERM, [{ argument: 2, mask: 0x203, values: [0x200] }]);
    rule(OPENAT2, ENOSYS);
  }
}

/** Continues with the next instruction if all conditions hold, else skips it: the caller's `LOAD`. */
function conditionsOf(conditions: readonly Condition[]): Instruction[] {
  const parts = conditions.map(({ argument, mask, values }): Instruction[] => [
    [LOAD, 0, 0, ARGUMENTS + 8 * argument],
    ...(mask === undefined ? [] : [[AND, 0, 0, mask] satisfies Instruction]),
    ...values.map((value): Instruction => [JUMP_EQUAL, 0, 0, value]),
  ]);
  const lengths = parts.map(({ length }) => length);
  let left = lengths.reduce((sum, length) => sum + length, 0);
  return parts.flatMap((part, index) => {
    const { not = false, values } = conditions[index]!;
    left -= part.length;
    // After this part: `left` instructions of the others, then the RETURN.
    const failed = left + 1;
    return part.map((instruction, position): Instruction => {
      const [code, , , value] = instruction;
      if (code !== JUMP_EQUAL) return instruction;
      const rest = part.length - 1 - position;
      const isLast = position >= part.length - 1;
      const last = values.length > 0 && isLast;
      const onMatch = not ? rest + failed : rest;
      const onMiss = last ? (not ? 0 : failed) : 0;
      return [code, onMatch, onMiss, value];
    });
  });
}
