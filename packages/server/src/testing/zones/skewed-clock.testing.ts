/** A program with another wall clock: for itself and for the processes that it starts with its environment. */
import { unpackedLibrary } from '../../../../../tools/debian-packages.mjs';

/** Numbers of the system calls `statx` and `prctl`. */
const CALLS: Readonly<Partial<Record<string, readonly [statx: number, prctl: number]>>> = {
  x64: [332, 157],
  arm64: [291, 167],
};

/**
 * Executes its arguments without `statx`, by a filter of system calls: libfaketime changes the times of files only in older calls, which Node uses where
 * this one is missing. Files would seem an hour old or new.
 */
const script = ([statx, prctl]: readonly [number, number]) => `
my $filter = pack('SCCL' x 4, 0x20, 0, 0, 0, 0x15, 0, 1, ${statx}, 0x06, 0, 0, 0x50000 | 38, 0x06, 0, 0, 0x7fff0000);
my $program = pack('Sx6P', 4, $filter);
syscall(${prctl}, 38, 1, 0, 0, 0) == 0 && syscall(${prctl}, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
exec { $ARGV[0] } @ARGV or die "$ARGV[0]: $!";
`;

/**
 * Returns the start of a command whose clock differs by so many seconds. Clocks that only measure durations are not changed.
 * @throws Error with what to install
 */
export async function skewedClock(seconds: number): Promise<readonly string[]> {
  const calls = CALLS[process.arch];
  if (calls === undefined) throw new Error(`the numbers of system calls on ${process.arch} are not known`);
  const missing = 'libfaketime changes the clock of a process.';
  const library = await unpackedLibrary(missing, 'faketime/libfaketime.so.1', 'libfaketime');
  const offset = `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s`;
  const variables = [`LD_PRELOAD=${library}`, `FAKETIME=${offset}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
  return ['perl', '-e', script(calls), '--', 'env', ...variables];
}
