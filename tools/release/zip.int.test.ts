import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../command.mjs';
import { findPython } from '../python.mjs';
import { zipArchive } from './zip.mjs';

const files = [
  ['a/empty.txt', Buffer.alloc(0)],
  ['a/name with ä.txt', Buffer.from('text')],
  ['long.bin', Buffer.alloc(300_000, 'abc')],
] as const;

test('equal content gives equal bytes', () => {
  expect(zipArchive(files).equals(zipArchive(files))).toBe(true);
});

test('Python reads the archive and finds every checksum correct', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zip-'));
  const file = join(folder, 'a.zip');
  writeFileSync(file, zipArchive(files));
  const program = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    print(archive.testzip())
    for one in archive.infolist():
        print(one.filename, one.file_size, oct(one.external_attr >> 16), one.date_time[0])
`;
  const { path } = await findPython();
  const { output } = await runCommand(path, ['-I', '-c', program, file], {
    quiet: true,
    env: { PYTHONIOENCODING: 'utf-8' },
  });
  rmSync(folder, { recursive: true });
  expect(output.trim().split('\n')).toEqual([
    'None',
    'a/empty.txt 0 0o100644 1980',
    'a/name with ä.txt 4 0o100644 1980',
    'long.bin 300000 0o100644 1980',
  ]);
});
