import { expect, test } from 'vitest';
import { fileOnPage, splitCredentials } from './index-address.ts';
import { lockDigest, readLock, writeLock } from './lock-text.ts';
import { settingOf } from './machine-index.ts';
import { uvFailure } from './uv-failure.ts';
import { progressNote } from './uv-runner.ts';

const failed = (stderr: string, timedOut = false) =>
  uvFailure('Resolving', { code: 1, timedOut, stdout: Buffer.alloc(0), stderr }, (text) =>
    text.replaceAll('hunter2', '***'),
  );

test.each([
  ['error: dns error\n  cause: failed to lookup address', 'upstream_failed'],
  ['error: Request failed after 3 retries\n  cause: client error (Connect)', 'upstream_failed'],
  ['error: HTTP status server error (503 Service Unavailable) for url', 'upstream_failed'],
  ['error: failed to write\n  cause: No space left on device (os error 28)', 'storage_full'],
  ['error: No solution found when resolving dependencies', 'invalid_request'],
])('%j is %s', (stderr, code) => {
  expect(failed(stderr).code).toBe(code);
});

test('a time that ran out is told', () => {
  expect(failed('', true)).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('in time') });
});

test('the words of uv are whole, without what it passed on its way and without what is secret', () => {
  const { message } = failed('warning: Failed to inspect Python\n  stderr\nerror: a hunter2\n  cause: b\n\nhint: c\n');
  expect(message).toBe('Resolving failed; uv said:\nerror: a ***\n  cause: b\n\nhint: c');
});

test.each([
  ['sklearn', 'scikit-learn'],
  ['pandsa', 'pandas'],
  ['PIL', 'pillow'],
  ['tensorflwo', 'tensorflow'],
])('%s may mean %s', (written, meant) => {
  const { message } = failed(`error: Because ${written} was not found in the package registry and you require it`);
  expect(message).toContain(`Did you mean ${meant}?`);
});

test('a name near none gets no hint', () => {
  expect(failed('error: Because our-own-thing was not found in the package registry').message).not.toContain('mean');
});

test.each([
  ['Resolved 12 packages in 1.20s', 'resolved 12 packages'],
  ['Downloading torch (214.1MiB)', 'downloading torch (214.1MiB)'],
  ['   Building fire==0.7.0', 'building fire==0.7.0'],
  ['Installed 3 packages in 16ms', 'installed 3 packages'],
  [' + numpy==2.1.1', undefined],
  ['warning: something', undefined],
])('%j gives the note %j', (line, note) => {
  expect(progressNote(line)).toBe(note);
});

test('a file’s address is found in both forms of an index', () => {
  const page = 'https://index.example/simple/x/';
  const json = JSON.stringify({ files: [{ filename: 'x-1.whl', url: '../../files/x-1.whl#sha256=00' }] });
  expect(fileOnPage(page, 'application/vnd.pypi.simple.v1+json', json, 'x-1.whl')).toBe(
    'https://index.example/files/x-1.whl',
  );
  const html = `<a href="/a/other.whl">other.whl</a><a data-x='1' href='/f/x-1.whl?a=1&amp;b=2#sha256=00'>x-1.whl</a>`;
  expect(fileOnPage(page, 'text/html', html, 'x-1.whl')).toBe('https://index.example/f/x-1.whl?a=1&b=2');
  expect(fileOnPage(page, 'text/html', html, 'y.whl')).toBeUndefined();
});

test('credentials are taken out of an address', () => {
  expect(splitCredentials('https://bob:a%2Fb@index.example/simple//')).toEqual({
    url: 'https://index.example/simple',
    credentials: { user: 'bob', password: 'a/b' },
  });
  expect(splitCredentials('https://bob:50%@index.example').credentials).toEqual({ user: 'bob', password: '50%' });
  expect(splitCredentials('https://index.example/simple')).toEqual({ url: 'https://index.example/simple' });
});

test('of pip’s files the sections for downloads count', () => {
  const text = '[list]\nindex-url = a\n[global]\ntimeout = 5\nindex_url: https://b/simple \n[install]\nno-index = 1\n';
  expect(settingOf(text, 'index-url')).toBe('https://b/simple');
  expect(settingOf('index-url = a', 'index-url')).toBeUndefined();
});

const hash = (digit: string) => `--hash=sha256:${digit.repeat(64)}`;

test('the digest of a lock is that of what it pins: comments, blanks and order do not count', () => {
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
  ['a text of its own', 'pandas==1\n', 'does not begin'],
  ['a package without a hash', writeLock('3.11.7', 'linux-x64-gnu', 'pandas==1'), 'no hash for pandas'],
  ['a package without a version', writeLock('3.11.7', 'linux-x64-gnu', `pandas ${hash('1')}`), 'no version'],
  ['a line that is not allowed', writeLock('3.11.7', 'linux-x64-gnu', '-r /etc/passwd'), 'not allowed'],
])('%s is no lock', (_, text, message) => {
  expect(() => readLock(text)).toThrow(message);
});
