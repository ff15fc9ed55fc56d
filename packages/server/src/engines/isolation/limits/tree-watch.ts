/**
 * Perl functions that measure a process and all its descendants. The guard of a run and the shim of a step use them. Both are
 * separate processes, so neither a busy event loop nor a crash of Dais stops them.
 *
 * The resident size is read through open descriptors (2 µs each). It counts shared pages once per process; above the limit the
 * proportional size decides, which is exact and costs milliseconds.
 */
export const TREE_WATCH = String.raw`
my %statm;
sub uptime { open my $file, '<', '/proc/uptime' or return time; my $line = <$file>; return (split ' ', $line)[0] }
# Processes that lost their parent and are the caller's children now.
sub orphans { open my $file, '<', "/proc/$$/task/$$/children" or return (); my $line = <$file>; return defined $line ? split(' ', $line) : () }
# Process ids of the tree below and with the given ones, and how many threads they have.
sub tree {
  my @left = @_;
  my (@all, %seen);
  my $threads = 0;
  while (defined(my $pid = shift @left)) {
    next if $seen{$pid}++;
    opendir my $tasks, "/proc/$pid/task" or next;
    push @all, $pid;
    for my $thread (grep { /^\d/ } readdir $tasks) {
      $threads += 1;
      open my $file, '<', "/proc/$pid/task/$thread/children" or next;
      my $line = <$file>;
      push @left, split ' ', $line if defined $line;
    }
  }
  for (keys %statm) { delete $statm{$_} unless $seen{$_} }
  return ($threads, @all);
}
# Bytes in memory; of a process that ended nothing.
sub resident {
  my $pages = 0;
  for my $pid (@_) {
    my $file = $statm{$pid};
    if (!$file) { open $file, '<', "/proc/$pid/statm" or next; $statm{$pid} = $file }
    sysseek $file, 0, 0;
    next unless sysread $file, my $line, 128;
    $pages += (split ' ', $line)[1];
  }
  return $pages * 4096;
}
# The same with shared pages counted once. Undefined where the kernel does not show them.
sub proportional {
  my $bytes = 0;
  for my $pid (@_) {
    open my $file, '<', "/proc/$pid/smaps_rollup" or return undef;
    while (defined(my $line = <$file>)) { $bytes += $1 * 1024 if $line =~ /^Pss:\s+(\d+)/ }
  }
  return $bytes;
}
# The process or thread of the machine that was made last: while it stays the same, the tree has no new member.
sub newest { open my $file, '<', '/proc/loadavg' or return rand; my $line = <$file>; return (split ' ', $line)[4] }
# What is exceeded, with the amount: 'memory N', 'processes N'; undefined: nothing. Walks the tree after 0.2 s, or 20 ms after
# something on the machine was made; the walk of a large tree is rarer, so that it costs a tenth of a core at most.
my ($walk_at, $early_at, $threads, @members) = (0, 0, 0);
my ($shared, $last_made) = (0, '');
sub exceeded {
  my ($now, $memory, $processes, @roots) = @_;
  my $made = newest();
  if ($now >= $walk_at || ($now >= $early_at && $made ne $last_made)) {
    $last_made = $made;
    ($threads, @members) = tree(@roots);
    $early_at = $now + 0.02 + $threads * 0.0003;
    $walk_at = $now + 0.2;
  }
  return "processes $threads" if $processes && $threads > $processes;
  if ($processes && $threads > $processes / 2) { $walk_at = $now + 0.02 if $walk_at > $now + 0.02 }
  return undef unless $memory;
  my $bytes = resident(@members);
  if ($bytes > $memory / 2) { $walk_at = $now + 0.05 if $walk_at > $now + 0.05 }
  # Pages that processes share are in the sum once for each: what was counted too much when that was last measured.
  return undef if $bytes - $shared <= $memory;
  if (@members > 1) {
    my $exact = proportional(@members);
    if (defined $exact && $exact <= $memory) { $shared = $bytes - $exact; return undef }
  }
  return "memory $bytes";
}
# Seconds until the next check: short when much of the limit is used.
sub pause_of {
  my ($memory) = @_;
  my $until = $walk_at - uptime();
  my $walk = $until < 0.01 ? 0.01 : $until;
  return $walk unless $memory;
  my $check = resident(@members) > $memory / 2 ? 0.01 : 0.04;
  return $check < $walk ? $check : $walk;
}
# Ends the tree below the given ones, which it may include. What makes processes as fast as they end is stopped first.
sub end_tree {
  my (@roots) = @_;
  for my $round (1 .. 200) {
    my (undef, @all) = tree(@roots);
    my @alive = grep { my $state = state_of($_); $_ != $$ && $state ne '' && $state ne 'Z' } @all;
    return 1 unless @alive;
    kill_groups(@alive);
    kill 'STOP', @alive if $round == 1;
    kill 'KILL', @alive;
    while (waitpid(-1, 1) > 0) { }
    select undef, undef, undef, 0.002 * ($round < 20 ? $round : 20);
  }
  return 0;
}
# Ends whole groups of processes, each with one signal, before they can create more. It never ends the group of the caller.
sub kill_groups {
  my %groups = map { $_ => 1 } grep { $_ > 1 && $_ != getpgrp } map { getpgrp $_ } @_;
  kill 'KILL', map { -$_ } keys %groups;
}
sub state_of {
  my ($pid) = @_;
  open my $file, '<', "/proc/$pid/stat" or return '';
  my $line = <$file>;
  return '' unless defined $line;
  return substr $line, rindex($line, ')') + 2, 1;
}
`;
