import { expect, test } from 'vitest';
import { configSpec, type ConfigInput } from '@dais/api';
import {
  refuseArchiveOfExternal,
  refuseRoleWithoutDatabase,
  refuseSharedFolder,
  refuseUnsafeBind,
} from './config-safety.ts';

const bindOutcome = (input: ConfigInput) => {
  try {
    refuseUnsafeBind(configSpec.parse(input));
    return 'listens';
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
};

const accounts = { authentication: { mode: 'accounts' } } as const;
const tls = { cert: '/c.pem', key: '/k.pem' };

test.each<ConfigInput>([
  {},
  { host: '::1' },
  { host: 'localhost', ...accounts },
  { host: '0.0.0.0', ...accounts, tls },
  { host: '10.0.0.1', ...accounts, trustedProxies: ['10.0.0.2'] },
  { host: '::', ...accounts, insecureHttp: true },
])('%j listens', (input) => {
  expect(bindOutcome(input)).toBe('listens');
});

test.each<ConfigInput>([{ host: '0.0.0.0' }, { host: '0.0.0.0', tls }, { host: '::', insecureHttp: true }])(
  '%j needs accounts',
  (input) => {
    expect(bindOutcome(input)).toMatch(/^unsafe_bind: .*DAIS_AUTHENTICATION_MODE=accounts/);
  },
);

test('accounts over plain HTTP require an explicit acceptance', () => {
  expect(bindOutcome({ host: '0.0.0.0', ...accounts })).toMatch(/^unsafe_bind: .*--tls-cert.*--insecure-http/);
});

const tracking = { artifactRoot: 'file:///srv/files' };
const refused = (input: object) => {
  try {
    refuseSharedFolder(configSpec.parse(input));
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
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
])('%s is not a valid folder', (artifactRoot) => {
  expect(configSpec.safeParse({ tracking: { artifactRoot } }).success).toBe(false);
});

test.each(['file:///srv/files', 'file:///a', 'file:///home/me/.dais/mlartifacts-1', 'file:///srv/..x'])(
  '%s is one',
  (artifactRoot) => {
    expect(configSpec.safeParse({ tracking: { artifactRoot } }).success).toBe(true);
  },
);

test('only the database that Dais runs itself is archived', () => {
  const archive = { store: { type: 'fs', folder: '/archive' } } as const;
  const check = (database: ConfigInput['database']) => () => refuseArchiveOfExternal(configSpec.parse({ database }));
  const url = 'postgres://dais@db/dais';
  for (const database of [{}, { url }, { archive }]) expect(check(database)).not.toThrow();
  expect(check({ url, archive })).toThrow('backup tools of that server');
});

test('a role other than all needs a database that other process trees can reach', () => {
  const check = (input: ConfigInput) => () => refuseRoleWithoutDatabase(configSpec.parse(input));
  const database = { url: 'postgres://dais@db/dais' };
  for (const input of [{}, { database }, { database, role: 'worker' as const }]) expect(check(input)).not.toThrow();
  for (const role of ['api', 'controller', 'gateway', 'worker'] as const)
    expect(check({ role })).toThrow('DAIS_DATABASE_URL');
});
