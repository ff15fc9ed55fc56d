import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dropOtherPlatforms, samePackages } from './install.mjs';

const a = { version: '1.0.0', integrity: 'sha512-a' };
const lock = { packages: { '': {}, 'packages/api': { version: '0.1.0' }, 'node_modules/a': a } };

test('what npm installed is compared with the lock, package by package', () => {
  expect(samePackages(lock, { packages: { 'node_modules/a': a } })).toBe(true);
  expect(samePackages(lock, { packages: {} })).toBe(false);
  expect(samePackages(lock, { packages: { 'node_modules/a': { ...a, version: '1.0.1' } } })).toBe(false);
  expect(samePackages(lock, { packages: { 'node_modules/a': { ...a, integrity: 'sha512-b' } } })).toBe(false);
  expect(samePackages(lock, { packages: { 'node_modules/a': a, 'node_modules/b': a } })).toBe(false);
});

test('an optional package of another platform may be missing', () => {
  const wanted = { packages: { ...lock.packages, 'node_modules/b': { ...a, optional: true } } };
  expect(samePackages(wanted, { packages: { 'node_modules/a': a } })).toBe(true);
});

test('libraries of other platforms are dropped, and only they', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dais-install-'));
  const place = (platform: string, cpu: string) =>
    join(folder, 'node_modules', 'onnxruntime-node', 'bin', 'napi-v6', platform, cpu);
  const own = place(process.platform, process.arch);
  const others = [place(process.platform, 'mips'), place('plan9', process.arch)];
  for (const one of [own, ...others]) mkdirSync(join(one, 'inside'), { recursive: true });
  dropOtherPlatforms(folder);
  expect([join(own, 'inside'), ...others].map((one) => existsSync(one))).toEqual([true, false, false]);
  rmSync(folder, { recursive: true });
});
