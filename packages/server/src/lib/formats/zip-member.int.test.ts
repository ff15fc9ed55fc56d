import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { extractZipMember } from './zip-member.ts';
import { zip } from './zip.testing.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-zip-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** The declared position of the directory is wrong. */
function elsewhere(archive: Buffer): Buffer {
  archive.writeUInt32LE(0x7f7f7f7f, archive.length - 6);
  return archive;
}

/** The directory announces another size of a member. */
function resized(archive: Buffer, name: string, size: number): Buffer {
  archive.writeUInt32LE(size, archive.lastIndexOf(name) - 22);
  return archive;
}

const large = Buffer.from('0123456789'.repeat(100_000));

test('members come out as they went in: stored, deflated, empty', async () => {
  const archive = join(folder, 'own.zip');
  await writeFile(archive, zip({ 'a/small': 'small', 'ä/large': large, empty: '' }));
  await extractZipMember(archive, 'a/small', join(folder, 'small'), 5);
  await extractZipMember(archive, 'ä/large', join(folder, 'large'), 1 << 20);
  await extractZipMember(archive, 'empty', join(folder, 'empty'), 0);
  expect(await readFile(join(folder, 'small'), 'utf8')).toBe('small');
  expect(Buffer.compare(await readFile(join(folder, 'large')), large)).toBe(0);
  expect(await readFile(join(folder, 'empty'), 'utf8')).toBe('');
});

test('archives that Python writes are read', async () => {
  const archive = join(folder, 'python.zip');
  const program = `import sys, zipfile; z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED); z.writestr('x', 'y' * 10**6); z.comment = b'c' * 999`;
  expect(await run('/usr/bin/python3', ['-c', program, archive])).toMatchObject({ code: 0 });
  await extractZipMember(archive, 'x', join(folder, 'x'), 1 << 20);
  expect(await readFile(join(folder, 'x'), 'utf8')).toBe('y'.repeat(1_000_000));
});

test.each([
  ['no archive', Buffer.from('nothing'), 'cannot be read as a ZIP archive'],
  ['no such member', zip({ other: 'x' }), 'has no member expected'],
  ['more than is allowed', zip({ expected: large }), 'more than 1000'],
  ['an offset beyond the end', elsewhere(zip({ expected: 'x' })), 'cannot be read as a ZIP archive'],
  ['a member longer than in its entry', resized(zip({ expected: 'y'.repeat(900) }), 'expected', 800), 'too many bytes'],
  [
    'a member shorter than in its entry',
    resized(zip({ expected: 'y'.repeat(900) }), 'expected', 950),
    'not enough bytes',
  ],
])('reports %s', async (name, bytes, message) => {
  const archive = join(folder, `${name}.zip`);
  await writeFile(archive, bytes);
  await expect(extractZipMember(archive, 'expected', join(folder, `${name}.out`), 1000)).rejects.toThrow(message);
});
