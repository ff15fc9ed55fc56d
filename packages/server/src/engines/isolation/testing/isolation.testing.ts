/** Restricted machines for isolation tests. */
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '#lib/process.ts';
import { withInherited } from '#lib/system/inherited-descriptors.testing.ts';
import { checkProgram } from './check-program.testing.ts';
import type { CheckReport } from './checks.testing.ts';
import type { IsolationOptions } from '../contract.ts';

/** An otherwise unused uid, because process limits count all processes of a user. */
const ORDINARY_UID = 64_998;

/** Executes the command in a user namespace with the same ids that permits no nested ones. */
const WITHOUT_NAMESPACES = String.raw`
use strict;
pipe my $ready, my $made or die;
pipe my $mapped, my $go or die;
my $child = fork // die;
if (!$child) {
  syscall(UNSHARE, 0x10020000) == 0 or die "unshare: $!";
  syswrite $made, 'x';
  sysread $mapped, my $none, 1;
  syscall(SETRESUID, 0, 0, 0); syscall(SETRESGID, 0, 0, 0);
  open my $most, '>', '/proc/sys/user/max_user_namespaces' or die "sysctl: $!";
  syswrite $most, '0' or die;
  close $most;
  exec { $ARGV[0] } @ARGV;
}
sysread $ready, my $none, 1;
for my $map ('uid_map', 'gid_map') { open my $file, '>', "/proc/$child/$map" or die; syswrite $file, '0 0 1000000' or die "$map: $!" }
syswrite $go, 'x';
waitpid $child, 0;
exit $? >> 8;
`;
const CALLS = process.arch === 'arm64' ? ['97', '147', '149'] : ['272', '117', '119'];

export interface Machine {
  readonly hasUserNamespaces: boolean;
}

/** Runs the checks as an ordinary user. Needs root. */
export async function checkAsOrdinaryUser(
  options: IsolationOptions,
  { hasUserNamespaces }: Machine = { hasUserNamespaces: true },
): Promise<CheckReport> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-ordinary-'));
  await chown(folder, ORDINARY_UID, ORDINARY_UID);
  try {
    const program = ['UNSHARE', 'SETRESUID', 'SETRESGID'].reduce(
      (text, name, index) => text.replaceAll(name, CALLS[index]!),
      WITHOUT_NAMESPACES,
    );
    const become = ['setpriv', `--reuid=${ORDINARY_UID}`, `--regid=${ORDINARY_UID}`, '--clear-groups'];
    const without = hasUserNamespaces ? [] : ['perl', '-e', program];
    return await check([...without, ...become], options, { HOME: folder, TMPDIR: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the checks as the user of this process, in a process with inherited descriptors. */
export async function checkInProcess(options: IsolationOptions): Promise<CheckReport> {
  return await check([], options, { HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] });
}

async function check(
  prefix: readonly string[],
  options: IsolationOptions,
  env: Readonly<Record<string, string | undefined>>,
): Promise<CheckReport> {
  const [program, ...args] = withInherited([...prefix, process.execPath, ...checkProgram('check', options)]);
  const { code, stdout, stderr } = await run(program, args, {
    cwd: import.meta.dirname,
    env: { ...env, PATH: process.env['PATH'] },
    timeoutMs: 110_000,
    group: true,
  });
  if (code !== 0) throw new Error(`the checks ended with exit code ${code}: ${stderr}`);
  return JSON.parse(stdout.toString('utf8')) as CheckReport;
}
