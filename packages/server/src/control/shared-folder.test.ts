import { configSpec, type DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { refuseSharedFolder } from '#control/config-safety.ts';

const tracking = { artifactRoot: 'file:///srv/files' };
const refused = (input: object) => {
  try {
    refuseSharedFolder(configSpec.parse(input));
    return undefined;
  } catch (error) {
    return (error as DaisError).code;
  }
};

test('one owner on one machine may have a folder that clients write to', () => {
  expect(refused({})).toBeUndefined();
  expect(refused({ authentication: { mode: 'accounts' }, host: '0.0.0.0' })).toBeUndefined();
  expect(refused({ tracking })).toBeUndefined();
  expect(refused({ tracking, host: '::1' })).toBeUndefined();
});

test('is rejected with accounts, or on a public address', () => {
  expect(refused({ tracking, authentication: { mode: 'accounts' } })).toBe('invalid_config');
  expect(refused({ tracking, host: '0.0.0.0' })).toBe('invalid_config');
  expect(refused({ tracking, host: 'dais.example.com' })).toBe('invalid_config');
});

test.each([
  'file://srv/files',
  'file:///srv/files/',
  'file:///',
  'file:///srv/../etc',
  'file:///srv/./x',
  'file:///srv//x',
  'file:///srv/a b',
  'file:///srv/%2e%2e',
  'file:///srv/x?y',
  '/srv/files',
  's3://bucket',
])('%s is no such folder', (artifactRoot) => {
  expect(configSpec.safeParse({ tracking: { artifactRoot } }).success).toBe(false);
});

test.each(['file:///srv/files', 'file:///a', 'file:///home/me/.dais/mlartifacts-1', 'file:///srv/..x'])(
  '%s is one',
  (artifactRoot) => {
    expect(configSpec.safeParse({ tracking: { artifactRoot } }).success).toBe(true);
  },
);
