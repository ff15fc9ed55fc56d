import { expect, test } from 'vitest';
import { samePackages } from './install.mjs';

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
  const expected = { packages: { ...lock.packages, 'node_modules/b': { ...a, optional: true } } };
  expect(samePackages(expected, { packages: { 'node_modules/a': a } })).toBe(true);
});
