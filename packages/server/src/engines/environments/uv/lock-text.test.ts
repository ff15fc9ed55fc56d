import { expect, test } from 'vitest';
import { lockDigest, readLock, writeLock } from './lock-text.ts';

const hash = (digit: string) => `--hash=sha256:${digit.repeat(64)}`;

test('the digest of a lock ignores comments, whitespace and order', () => {
  const one = writeLock(
    '3.11.7',
    'linux-x64-gnu',
    `A_b==1 \\\n  ${hash('1')} \\\n  ${hash('2')}\n  # via c\nc==2 ${hash('3')}`,
  );
  const other = writeLock('3.11.7', 'linux-x64-gnu', `c==2 ${hash('3')}\na-b==1 ${hash('2')} ${hash('1')}\n`);
  expect(lockDigest(readLock(one))).toBe(lockDigest(readLock(other)));
  for (const changed of [
    writeLock('3.11.8', 'linux-x64-gnu', `c==2 ${hash('3')}\na-b==1 ${hash('2')} ${hash('1')}\n`),
    writeLock('3.11.7', 'linux-arm64-gnu', `c==2 ${hash('3')}\na-b==1 ${hash('2')} ${hash('1')}\n`),
    writeLock('3.11.7', 'linux-x64-gnu', `c==2 ${hash('3')}\na-b==1 ${hash('2')}\n`),
  ]) {
    expect(lockDigest(readLock(changed))).not.toBe(lockDigest(readLock(one)));
  }
});

test.each([
  ['a text of its own', 'pandas==1\n', 'does not start'],
  ['a package without a hash', writeLock('3.11.7', 'linux-x64-gnu', 'pandas==1'), 'no hash for pandas'],
  ['a package without a version', writeLock('3.11.7', 'linux-x64-gnu', `pandas ${hash('1')}`), 'no version'],
  ['a line that is not allowed', writeLock('3.11.7', 'linux-x64-gnu', '-r /etc/passwd'), 'not allowed'],
])('rejects %s', (_, text, message) => {
  expect(() => readLock(text)).toThrow(message);
});
