import { accessSync } from 'node:fs';
import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { closeOthersInShell } from './inherited-descriptors.ts';
import { withInherited } from './inherited-descriptors.testing.ts';

const PATH = '/usr/bin:/bin';
/** Prints the numbers of open descriptors above 2. */
const LIST = 'use POSIX (); print join " ", grep { defined(my $copy = POSIX::dup($_)) } 3 .. 300';

/** Starts a shell with inherited descriptors and descriptor 4; it closes the others and starts a program. */
async function closeIn(shell: readonly string[], kept: readonly number[], perl: string) {
  const script = `exec 4</etc/hostname\n${closeOthersInShell(kept, perl)}\nexec "$@"`;
  const [file, ...args] = withInherited([...shell, '-c', script, 'test', 'perl', '-e', LIST]);
  const { code, stdout, stderr } = await run(file, args, { env: { PATH } });
  return { code, stderr, open: stdout.toString() };
}

test('a shell closes all descriptors except those that it keeps, with Perl', async () => {
  expect(await closeIn(['/bin/sh'], [4], '/usr/bin/perl')).toEqual({ code: 0, stderr: '', open: '4' });
  expect(await closeIn(['/bin/sh'], [], '/usr/bin/perl')).toEqual({ code: 0, stderr: '', open: '' });
});

test('bash closes them itself', async () => {
  expect(await closeIn(['/bin/bash', '--norc'], [4], '')).toEqual({ code: 0, stderr: '', open: '4' });
});

test.skipIf(!isDash())('dash, which cannot close them, starts no program without Perl', async () => {
  expect(await closeIn(['/bin/dash'], [4], '')).toEqual({
    code: 125,
    stderr: expect.stringMatching(/^Descriptor \d+ of Dais cannot be closed: install perl\.\n$/),
    open: '',
  });
});

function isDash(): boolean {
  try {
    accessSync('/bin/dash');
    return true;
  } catch {
    return false;
  }
}
