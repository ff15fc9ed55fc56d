/** For tests: a program starts with descriptors that nobody has closed, as from a shell or a CI runner that leaks them. */

/** The first free numbers from these on, after gaps: Node does not close them. F_DUPFD is 0; the copy has no close-on-exec. */
const OPEN = `open my $file, '<', '/etc/passwd' or die; defined fcntl $file, 0, $_ or die for 28, 251; exec { $ARGV[0] } @ARGV`;

/** Returns a command that starts the given one with open descriptors. */
export function withInherited(command: readonly string[]): [string, ...string[]] {
  return ['perl', '-e', OPEN, '--', ...command];
}
