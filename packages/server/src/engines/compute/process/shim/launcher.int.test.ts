/** The launcher removes the folders of ended attempts. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#lib/log.ts';
import { SYSTEM_PATH } from '../capacity.ts';
import { launcherProgram } from './launcher-program.ts';
import { Launcher } from './launcher.ts';

let root: string;
let launcher: Launcher;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'dais-launcher-'));
  launcher = new Launcher({ path: SYSTEM_PATH, log: silentLog, program: launcherProgram(process.arch) });
});
afterAll(() => {
  launcher.close();
  rmSync(root, { recursive: true });
});

test('removes a folder with files in folders, and follows no link', async () => {
  const [folder, outside] = [join(root, 'small'), join(root, 'outside')];
  mkdirSync(join(folder, 'box', 'work', 'outputs', 'parameters'), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'kept'), '');
  writeFileSync(join(folder, 'box', 'work', 'outputs', 'parameters', 'a'), 'text');
  symlinkSync(outside, join(folder, 'box', 'work', 'link'));
  symlinkSync(join(root, 'missing'), join(folder, 'dangling'));
  expect(await launcher.removeSmall(folder)).toBe(true);
  expect(existsSync(folder)).toBe(false);
  expect(readdirSync(outside)).toEqual(['kept']);
});

test('leaves the rest of a folder with many files, and a link instead of a folder', async () => {
  const [folder, link] = [join(root, 'large'), join(root, 'link')];
  mkdirSync(folder);
  for (let n = 0; n < 300; n++) writeFileSync(join(folder, String(n)), '');
  expect(await launcher.removeSmall(folder)).toBe(false);
  expect(readdirSync(folder).length).toBeGreaterThan(0);
  symlinkSync(folder, link);
  expect(await launcher.removeSmall(link)).toBe(false);
  expect(existsSync(folder)).toBe(true);
});
