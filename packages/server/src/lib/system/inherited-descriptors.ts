/**
 * Descriptors that a program inherits from the program that started it (a shell, a CI runner) and passes on to its child processes: those
 * without close-on-exec. Node marks what it opens, and inherited descriptors up to the first gap; user code must get none of the
 * others.
 */
import { closeSync, readdirSync, readFileSync } from 'node:fs';

/** Standard input, output and error. */
const STANDARD = 3;
/** `FD_CLOEXEC` in `/proc/self/fdinfo`, where flags are octal. */
const CLOSE_ON_EXEC = 0o2000000;

/**
 * Closes all descriptors of this process that child processes would inherit, except standard input, output and error. Only for a
 * program at its start: libraries may have opened some later. Returns their numbers. Without /proc it closes none.
 */
export function closeInheritedDescriptors(): number[] {
  return inheritedDescriptors().filter((descriptor) => {
    try {
      closeSync(descriptor);
      return true;
    } catch {
      return false;
    }
  });
}

function inheritedDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fdinfo').map(Number).filter(isInherited);
  } catch {
    return [];
  }
}

function isInherited(descriptor: number): boolean {
  if (descriptor < STANDARD) return false;
  try {
    const [, flags] = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')) ?? [];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    // It listed the folder.
    return false;
  }
}

/** A function for programs in Perl: closes all descriptors except standard input, output, error, and its arguments. */
export const CLOSE_OTHERS_IN_PERL = String.raw`
sub close_others {
  my %kept = map { $_ => 1 } 0 .. 2, @_;
  opendir my $folder, "/proc/self/fd" or return;
  my @open = grep { /^\d+$/ && !$kept{$_} } readdir $folder;
  closedir $folder;
  for (@open) { if (open my $handle, "<&=", $_) { close $handle } }
}
`;

/**
 * Returns lines for any POSIX shell which close all descriptors except `kept` (one digit each), standard input, output and error.
 * Afterwards the shell must execute its arguments: where it cannot close a descriptor itself (dash knows numbers of one digit
 * only), they become a program in Perl that does. `perl`: shell words with its path, empty where there is none. Without both, the
 * shell ends with exit code 125. With nothing to close, no process starts.
 */
export function closeOthersInShell(kept: readonly number[], perl: string): string {
  return `
others=
for entry in /proc/self/fd/*; do
  case \${entry##*/} in [012${kept.join('')}]) ;; *) if [ -L "$entry" ]; then others="$others \${entry##*/}"; fi ;; esac
done
if [ -n "$others" ]; then
  perl=${perl}
  if [ -n "$perl" ]; then
    set -- "$perl" -e '${CLOSE_OTHERS_IN_PERL.trim()} close_others(split / /, shift); exec { $ARGV[0] } @ARGV; exit 127' '${kept.join(' ')}' "$@"
  else
    for other in $others; do
      (eval "exec $other>&-") 2>/dev/null || { echo "Descriptor $other of Dais cannot be closed: install perl." >&2; exit 125; }
      eval "exec $other>&-"
    done
  fi
fi
`;
}
