/**
 * What an isolated task may not ask of the kernel: namespaces, mounts, keys, tracing of the kernel and other doors that
 * programs for data do not need and through which holes of kernels are reached. As a program of classic BPF, for
 * `bwrap --seccomp`.
 */

/** Numbers of system calls, by name, where they differ; those from 424 on are the same everywhere. */
interface Machine {
  /** AUDIT_ARCH of linux/audit.h. */
  readonly arch: number;
  readonly clone: number;
  readonly denied: readonly number[];
}

/** open_tree … io_uring_setup, io_uring_enter, io_uring_register, fsopen, fsconfig, fsmount, mount_setattr. */
const DENIED_EVERYWHERE = [425, 426, 427, 428, 429, 430, 431, 432, 433, 442];
const CLONE3 = 435;

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: {
    arch: 0xc000003e,
    clone: 56,
    // pivot_root acct mount umount2 swapon swapoff reboot init_module delete_module kexec_load add_key request_key keyctl
    // unshare perf_event_open open_by_handle_at setns finit_module kexec_file_load bpf userfaultfd
    denied: [155, 163, 165, 166, 167, 168, 169, 175, 176, 246, 248, 249, 250, 272, 298, 304, 308, 313, 320, 321, 323],
  },
  arm64: {
    arch: 0xc00000b7,
    clone: 220,
    // umount2 mount pivot_root acct unshare kexec_load init_module delete_module reboot add_key request_key keyctl swapon
    // swapoff perf_event_open open_by_handle_at setns finit_module bpf userfaultfd kexec_file_load
    denied: [39, 40, 41, 89, 97, 104, 105, 106, 142, 217, 218, 219, 224, 225, 241, 265, 268, 273, 280, 282, 294],
  },
};

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_SET = 0x45;
const RETURN = 0x06;
const KILL_PROCESS = 0x8000_0000;
const ALLOW = 0x7fff_0000;
const FAIL = 0x0005_0000;
const EPERM = 1;
const ENOSYS = 38;
const CLONE_NEWUSER = 0x1000_0000;
/** Calls of the x32 ABI, which a filter by number would miss. */
const X32 = 0x4000_0000;
const OFFSETS = { number: 0, arch: 4, firstArgument: 16 } as const;

/** Undefined for machines whose numbers are not known here. */
export function seccompFilter(machine: string): Buffer | undefined {
  const known = MACHINES[machine];
  if (known === undefined) return undefined;
  const program: [code: number, ifTrue: number, ifFalse: number, value: number][] = [];
  const step = (code: number, value: number, ifTrue = 0, ifFalse = 0) => program.push([code, ifTrue, ifFalse, value]);
  step(LOAD, OFFSETS.arch);
  step(JUMP_EQUAL, known.arch, 1);
  step(RETURN, KILL_PROCESS);
  step(LOAD, OFFSETS.number);
  step(JUMP_AT_LEAST, X32, 0, 1);
  step(RETURN, FAIL | EPERM);
  for (const number of [...known.denied, ...DENIED_EVERYWHERE]) {
    step(JUMP_EQUAL, number, 0, 1);
    step(RETURN, FAIL | EPERM);
  }
  // Its flags lie in memory, where a filter cannot look: libraries then use clone.
  step(JUMP_EQUAL, CLONE3, 0, 1);
  step(RETURN, FAIL | ENOSYS);
  step(JUMP_EQUAL, known.clone, 0, 3);
  step(LOAD, OFFSETS.firstArgument);
  step(JUMP_SET, CLONE_NEWUSER, 0, 1);
  step(RETURN, FAIL | EPERM);
  step(RETURN, ALLOW);
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  });
  return bytes;
}
