/**
 * Confines itself with Landlock and seccomp, drops privileges, then executes the command. In Perl, which is part of the base
 * system of Debian and starts in 2 ms (Python with ctypes: 15 ms). Arguments: filter in hexadecimal; a number of TCP ports and
 * these; a number of readable files and these; a number of writable folders and these; the command.
 *
 * The access rights that the kernel controls grow with the version of its interface ("ABI"); unsupported ones are omitted.
 */
const CALLS: Readonly<Record<string, { readonly prctl: number; readonly capset: number }>> = {
  x64: { prctl: 157, capset: 126 },
  arm64: { prctl: 167, capset: 91 },
};

/** Undefined if the system call numbers are unknown. */
export function landlockProgram(machine: string): string | undefined {
  const calls = CALLS[machine];
  if (calls === undefined) return undefined;
  return PROGRAM.replaceAll('PRCTL', String(calls.prctl)).replaceAll('CAPSET', String(calls.capset));
}

/** Prints the version of the Landlock interface, or -1. */
export const LANDLOCK_ABI = 'print syscall 444, 0, 0, 1';

const PROGRAM = String.raw`
use strict;
sub fail { print STDERR "The run could not be confined: $_[0]: $!\n"; exit 126 }
sub counted { return splice @ARGV, 0, shift(@ARGV) }
my $filter = pack 'H*', shift @ARGV;
my @ports = counted();
my @readable = counted();
my @writable = counted();
my $abi = syscall 444, 0, 0, 1;
fail('Landlock') if $abi < 1;
# Execute, write, read a file, read a folder, remove a folder or file, make a device, folder, file, socket, pipe, device, link.
my $all = (1 << 13) - 1;
$all |= 1 << 13 if $abi >= 2;
$all |= 1 << 14 if $abi >= 3;
$all |= 1 << 15 if $abi >= 5;
my $read = 1 | 4 | 8;
my $write = $all & ~(1 << 6 | 1 << 9 | 1 << 11);
my $of_file = 1 | 2 | 4 | 1 << 14 | 1 << 15;
my $attributes = pack 'Q', $all;
$attributes .= pack 'Q', 3 if $abi >= 4;
$attributes .= pack 'Q', 3 if $abi >= 6;
my $rules = syscall 444, $attributes, length($attributes), 0;
fail('rules') if $rules < 0;
sub permit {
  my ($place, $rights) = @_;
  # O_PATH; what is not there is left out.
  sysopen my $file, $place, 0x200000 or return;
  $rights &= $of_file unless -d $place;
  my $rule = pack 'Ql', $rights & $all, fileno $file;
  syscall(445, $rules, 1, $rule, 0) == 0 or fail($place);
}
permit($_, $read) for @readable;
permit($_, $write) for @writable;
permit('/dev/null', $read | 2);
permit("/proc/$$", $read);
for my $port (@ports) {
  last if $abi < 4;
  my $rule = pack 'QQ', 2, $port;
  syscall(445, $rules, 2, $rule, 0) == 0 or fail("port $port");
}
# No new rights; then none at all, and none by any program.
syscall(PRCTL, 38, 1, 0, 0, 0) == 0 or fail('no new privileges');
if ($> == 0) {
  syscall PRCTL, 24, $_, 0, 0, 0 for 0 .. 63;
  my ($header, $none) = (pack('LL', 0x20080522, 0), pack('L6', (0) x 6));
  syscall(CAPSET, $header, $none) == 0 or fail('capabilities');
}
syscall(446, $rules, 0) == 0 or fail('restriction');
if (length $filter) {
  # The filter names this process by a placeholder.
  my ($placeholder, $self) = (pack('L', 0x7ffffff1), pack('L', $$));
  $filter =~ s/\Q$placeholder\E/$self/g;
  my $program = pack 'S x6 P', length($filter) / 8, $filter;
  syscall(PRCTL, 22, 2, $program, 0, 0) == 0 or fail('filter of system calls');
}
exec { $ARGV[0] } @ARGV;
print STDERR "$ARGV[0] could not be started: $!\n";
exit 127;
`;
