/**
 * The launcher: one small process per engine that creates shims by forking itself. A fork of Dais and a shell with a dozen
 * programs per step cost 12 ms of CPU; the launcher costs 3 ms. It is written in Perl, which most Linux machines have and which
 * forks without `exec`. Without Perl, `shim.ts` does the same.
 *
 * It reads requests from standard input: the length in four bytes, then fields separated by zero bytes. The first fields are
 * `shim` or `remove`, and the request id. It writes one line per result to standard output: `gone ID CODE`, `error ID TEXT`. It
 * ends when its input closes, that is, with Dais; shims run in separate sessions and continue. A shim keeps the secret values
 * of its attempt, to mask them in the log; the process that becomes the command reads the variables.
 */
import { MASKER_IN_PERL } from './log-masker.ts';
import { shareCpuInPerl } from '#engines/isolation/limits/cpu-share.ts';
import { TREE_WATCH } from '#engines/isolation/limits/tree-watch.ts';
import { CLOSE_OTHERS_IN_PERL } from '#lib/system/inherited-descriptors.ts';
import { SECOND_START } from './shim.ts';

/** System call number of prlimit64, which sets limits that Perl has no function for. */
const PRLIMIT: Readonly<Record<string, number>> = { x64: 302, arm64: 261 };
const PRCTL: Readonly<Record<string, number>> = { x64: 157, arm64: 167 };

/** Undefined where the number of the system call is unknown. */
export function launcherProgram(machine: string): string | undefined {
  const call = PRLIMIT[machine];
  return call === undefined
    ? undefined
    : PROGRAM.replace('PRLIMIT', String(call))
        .replace('SUBREAPER', String(PRCTL[machine]))
        .replace('SHARE_CPU', shareCpuInPerl(machine));
}

const PROGRAM = String.raw`
use strict;
use Fcntl qw(F_DUPFD O_CREAT O_DIRECTORY O_EXCL O_NOFOLLOW O_RDONLY O_RDWR O_TRUNC O_WRONLY O_NONBLOCK F_SETFL);
use POSIX ();
# Perl runs a handler between two steps of its program: a signal that comes after the last of them and before the kernel
# waits ends no wait (measured: 1 of 20,000 children that end just then). So who waits for one looks by itself, in seconds.
use constant LOOK => 1;

$0 = 'dais-launcher';
$SIG{PIPE} = 'IGNORE';
# Tasks get none of the descriptors that Dais inherited or that a library opened.
close_others();
open my $boot_file, '<', '/proc/sys/kernel/random/boot_id' or exit 1;
chomp(my $boot = <$boot_file>);
close $boot_file;
my ($wake, $remover, %shims) = (noticed());
my ($input, $none) = ('', '');
for (;;) {
  my $ready = bits(\*STDIN, $wake);
  next if select($ready, undef, undef, %shims ? LOOK : undef) < 0;
  sysread $wake, $none, 4096 if vec $ready, fileno $wake, 1;
  while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
    my $id = delete $shims{$pid};
    syswrite STDOUT, 'gone ' . $id . ' ' . ($? & 127 ? 128 + ($? & 127) : $? >> 8) . "\n" if defined $id;
  }
  next unless vec $ready, 0, 1;
  my $got = sysread STDIN, $input, 65536, length $input;
  exit 0 if defined $got && $got == 0;
  while (length $input >= 4 && length $input >= 4 + unpack 'N', $input) {
    my ($verb, $id, @fields) = split /\0/, substr($input, 4, unpack 'N', $input), -1;
    substr $input, 0, 4 + unpack('N', $input), '';
    if ($verb eq 'remove') {
      $remover //= remover();
      syswrite $remover, "$id $fields[0]\n";
      next;
    }
    my $pid = fork;
    if (!defined $pid) { syswrite STDOUT, "error $id $!\n" }
    elsif ($pid) { $shims{$pid} = $id }
    else { $input = ''; eval { shim(@fields) }; POSIX::_exit(1) }
  }
}

# A pipe that is written when a child ended: a wait that would begin after that sees it.
sub noticed {
  pipe my $reader, my $writer or POSIX::_exit(1);
  fcntl $_, F_SETFL, O_NONBLOCK for $reader, $writer;
  $SIG{CHLD} = sub { syswrite $writer, 'x' };
  return $reader;
}

# Removes small folders in the order of the requests: a file system may wait for its journal at each of them
# (measured: 2 ms on ext4), and no shim should wait with it.
sub remover {
  pipe my $reader, my $writer or exit 1;
  my $pid = fork;
  exit 1 unless defined $pid;
  if ($pid) { close $reader; return $writer }
  $0 = 'dais-remover';
  $SIG{CHLD} = 'DEFAULT';
  close $_ for $writer, $wake, \*STDIN;
  while (defined(my $line = <$reader>)) {
    chomp $line;
    my ($id, $folder) = split / /, $line, 2;
    syswrite STDOUT, 'gone ' . $id . ' ' . (remove_small($folder) ? 0 : 1) . "\n";
  }
  POSIX::_exit(0);
}

# Removes a folder with at most 200 entries: that of most steps. False: there are more, or one cannot be removed.
sub remove_small {
  my ($folder) = @_;
  my $left = 200;
  return empty_folder($folder, \$left) && rmdir $folder;
}

# Opens each folder by descriptor, so that a link that replaces one leads nowhere.
sub empty_folder {
  my ($folder, $left) = @_;
  sysopen my $handle, $folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW or return 0;
  my $inside = '/proc/self/fd/' . fileno $handle;
  opendir my $entries, $inside or return 0;
  my @names = grep { !/^\.\.?$/ } readdir $entries;
  closedir $entries;
  for my $name (@names) {
    return 0 if --$$left < 0;
    my $path = "$inside/$name";
    if (-l $path || !-d _) { unlink $path or return 0 }
    else { empty_folder($path, $left) && rmdir $path or return 0 }
  }
  return 1;
}

${CLOSE_OTHERS_IN_PERL}
sub bits {
  my $bits = '';
  vec($bits, fileno $_, 1) = 1 for @_;
  return $bits;
}

sub note {
  my ($name, $text, $flags) = @_;
  sysopen my $file, $name, O_WRONLY | $flags, 0600 or return 0;
  return syswrite($file, $text) == length $text;
}

sub shim {
  my ($folder, $mark, $path, $segment, $keep, $direct, $data, $memory, $watched, $processes, $cores, $nice, $work, $groups, @rest) = @_;
  my @groups = splice @rest, 0, $groups;
  chdir $folder or POSIX::_exit(1);
  POSIX::setsid();
  $0 = 'dais-shim';
  my $null = POSIX::open('/dev/null', O_RDWR);
  POSIX::dup2($null, $_) for 0, 1, 2;
  POSIX::close($null);
  close $wake;
  my $ended = noticed();
  $SIG{$_} = sub { } for qw(HUP INT QUIT TERM);
  umask 077;
  if (!sysopen my $started, 'started', O_WRONLY | O_CREAT | O_EXCL, 0600) {
    POSIX::_exit($! == POSIX::EEXIST() ? ${SECOND_START} : 1);
  }
  open my $stat, '<', '/proc/self/stat' or POSIX::_exit(1);
  my $line = <$stat>;
  my $start = (split / /, substr $line, rindex($line, ')') + 2)[19];
  close $stat;
  note('end.tmp', ' ' x 96 . "\n", O_CREAT | O_TRUNC) or POSIX::_exit(1);
  # Kept open until this process ends: who waits at it for the word to go on ends then.
  my $go;
  if (!$direct) {
    note('death', "................\n", O_CREAT | O_TRUNC) && POSIX::mkfifo('go', 0600) or POSIX::_exit(1);
    sysopen $go, 'go', O_RDWR or POSIX::_exit(1);
  }
  note('pid', "$$ $start $boot\n", O_CREAT | O_TRUNC) or POSIX::_exit(1);
  sysopen my $variables, 'env', O_RDONLY or POSIX::_exit(1);
  unlink 'env';
  my @forms = forms();
  sysopen my $begun, 'begun', O_WRONLY | O_CREAT | O_TRUNC, 0600 or POSIX::_exit(1);
  pipe my $out, my $in or POSIX::_exit(1);
  my $pid = fork;
  POSIX::_exit(1) unless defined $pid;
  if (!$pid) {
    $SIG{$_} = 'DEFAULT' for qw(HUP INT QUIT TERM CHLD PIPE);
    POSIX::_exit(143) if -e 'cancel';
    for my $group (@groups) {
      next if note("$group/cgroup.procs", '0', 0);
      syswrite $begun, "the control group $group is gone\n";
      POSIX::_exit(125);
    }
    umask 022;
    POSIX::setsid();
    share_cpu($cores, $nice);
    POSIX::dup2(fileno $in, $_) for 1, 2;
    %ENV = (PATH => $path, DAIS_TASK => $mark);
    if ($direct) { command($begun, $variables, $data, $processes, $work, @rest) }
    else { confined($begun, $variables, @rest) }
    POSIX::_exit(126);
  }
  close $_ for $in, $variables, $begun;
  # Processes that lost their parent are the shim's: so none is left out of its count.
  syscall SUBREAPER, 36, 1, 0, 0, 0 if $memory || $watched || !$direct;
  attend($pid, $out, $ended, $segment, $keep, $direct, $memory, $watched, masker(@forms));
  POSIX::_exit(0);
}

# Output into files, one after another, the oldest of which go; and how the command ended.
sub attend {
  my ($pid, $out, $ended, $segment, $keep, $direct, $memory, $watched, $mask) = @_;
  my ($number, $size, $is_over, $pause) = (0, 0, 0, 0);
  my $next = sub {
    $size = 0;
    sysopen my $file, "logs/$number", O_WRONLY | O_CREAT | O_TRUNC, 0600;
    return $file;
  };
  my $file = $next->();
  my $turn = sub {
    close $file if $file;
    $number += 1;
    unlink 'logs/' . ($number - $keep) if $number >= $keep;
    $file = $next->();
  };
  while ($out) {
    my $ready = bits($ended, !$pause ? $out : ());
    my $wait = $pause ? 1 : $is_over ? undef : LOOK;
    if (($memory || $watched) && !$is_over) {
      my $why = exceeded(uptime(), $memory, $watched, $pid, orphans());
      if (defined $why) {
        note('cancel', $why =~ /^memory/ ? 'out-of-memory' : 'too-many-processes', O_CREAT | O_EXCL);
        end_tree_but($pid);
        $memory = $watched = 0;
      }
      my $soon = pause_of($memory);
      $wait = $soon if $soon < $wait;
    }
    if (!$is_over && is_removed()) {
      end_tree_but($pid);
      kill 'KILL', $pid;
      POSIX::_exit(0);
    }
    next if select($ready, undef, undef, $wait) < 0;
    $pause = 0 if $pause && !vec $ready, fileno $ended, 1;
    sysread $ended, $none, 64;
    if (!$is_over && waitpid($pid, POSIX::WNOHANG()) == $pid) {
      tell_end($?, $direct);
      $is_over = 1;
    }
    next unless vec $ready, fileno $out, 1;
    my $got = sysread $out, my $bytes, 65536;
    next unless defined $got;
    $bytes = $mask->($bytes, !$got);
    if (!$got) { close $out; $out = undef }
    $got = length $bytes;
    for (my $at = 0; $at < $got;) {
      my $room = $segment - $size;
      my $wrote = $file && syswrite $file, $bytes, $room < $got - $at ? $room : $got - $at, $at;
      # What a full disk does not take is lost, as all that is too much.
      if (!$wrote) { $pause = 1; $turn->(); last }
      $at += $wrote;
      $size += $wrote;
      $turn->() if $size >= $segment;
    }
  }
  if (!$is_over) {
    waitpid $pid, 0;
    tell_end($?, $direct);
  }
  rename 'end', 'rc';
}

# The folder of the task is gone: nobody can let it go on, cancel it or learn of its end.
sub is_removed { !-e 'started' && $! == POSIX::ENOENT() }

${TREE_WATCH}
# Who attends waits for them: its own wait must see how the command ended.
sub end_tree_but {
  my ($pid) = @_;
  for my $round (1 .. 100) {
    my (undef, @all) = tree($pid, orphans());
    my @alive = grep { state_of($_) !~ /^[ZX]?$/ } @all;
    return unless @alive;
    kill_groups(@alive);
    kill 'STOP', @alive if $round == 1;
    kill 'KILL', @alive;
    select undef, undef, undef, 0.005;
  }
}
sub tell_end {
  my ($status, $direct) = @_;
  # bwrap ends before the first process of its namespace, which is killed then: the CPU of the command counts only for
  # a parent that waits for that process. Processes that live on are not waited for.
  for (my $tries = 0; !$direct && $tries < 50; $tries++) {
    my $gone = waitpid -1, POSIX::WNOHANG();
    last if $gone < 0;
    select undef, undef, undef, 0.002 unless $gone;
  }
  my $signal = $status & 127;
  my $code = $signal ? 128 + $signal : $status >> 8;
  my $was_signal = $signal ? 1 : 0;
  if (!$direct) {
    # bwrap makes a signal an exit code; the process that stays inside reports which of the two it was, except for SIGINT and SIGPIPE.
    open my $death, '<', 'death';
    my $word = $death ? <$death> : '.';
    $was_signal = 1 if $word !~ /^\./ || $code == 130 || $code == 141;
  }
  my (undef, undef, $user, $system) = times;
  my $text = sprintf "%d %d\n\n0m%.3fs 0m%.3fs\n", $code, $was_signal, $user, $system;
  until (note('end.tmp', $text, 0) && rename 'end.tmp', 'end') {
    POSIX::_exit(0) if is_removed();
    sleep 1;
  }
}

# Becomes the command, with the rights of Dais.
sub command {
  my ($begun, $variables, $data, $processes, $work, @command) = @_;
  my ($text, %set) = ('');
  while (sysread $variables, $text, 1 << 20, length $text) { }
  while ($text =~ /\Gexport (\w+)='/gc) {
    my ($name, $value) = ($1, '');
    while ($text =~ /\G([^']*)'/gc) {
      $value .= $1;
      last unless $text =~ /\G\\''/gc;
      $value .= "'";
    }
    $set{$name} = $value;
    $text =~ /\G\n/gc;
  }
  limit(4, 0);
  limit(2, $data) if $data ne '';
  limit(6, $processes);
  chdir $work or POSIX::_exit(125);
  %ENV = (%ENV, PWD => $work, %set);
  my $name = $command[0];
  my @found = grep { -f && -x _ } $name =~ m{/} ? $name : map { "$_/$name" } split /:/, $ENV{PATH};
  if (!@found) {
    syswrite $begun, "there is no program $name on its PATH ($ENV{PATH}), or it may not be run\n";
    POSIX::_exit(127);
  }
  syswrite $begun, "begun\n";
  exec { $name } @command;
  my $error = $!;
  truncate $begun, 0;
  sysseek $begun, 0, 0;
  syswrite $begun, "$name could not be run: $error\n";
}

${MASKER_IN_PERL}
SHARE_CPU
sub limit {
  my ($what, $value) = @_;
  syscall PRLIMIT, 0, $what, pack('Q2', $value, $value), 0;
}

# Becomes the program that confines the command; a shell inside it reads the variables.
sub confined {
  my ($begun, $variables, @program) = @_;
  my @files = ([3, $variables], [9, $begun]);
  for ([4, 'death', O_RDWR], [5, '../../seccomp.bpf', O_RDONLY], [7, 'go', O_RDONLY]) {
    my ($number, $name, $flags) = @$_;
    sysopen my $file, $name, $flags or POSIX::_exit(126);
    push @files, [$number, $file];
  }
  # First above all of these numbers, so that none is taken from another.
  my @moved = map { [$_->[0], fcntl $_->[1], F_DUPFD, 20] } @files;
  for (@moved) {
    POSIX::dup2($_->[1], $_->[0]);
    POSIX::close($_->[1]);
  }
  exec { $program[0] } @program;
  syswrite STDERR, "$program[0] could not be run: $!\n";
}
`;
