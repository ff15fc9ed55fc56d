import { expect, test } from 'vitest';
import { configSpec, type ConfigInput } from '@dais/api';
import { refuseUnsafeBind } from './config-safety.ts';

const verdict = (input: ConfigInput) => {
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
  expect(verdict(input)).toBe('listens');
});

test.each<ConfigInput>([{ host: '0.0.0.0' }, { host: '0.0.0.0', tls }, { host: '::', insecureHttp: true }])(
  '%j needs accounts',
  (input) => {
    expect(verdict(input)).toMatch(/^unsafe_bind: .*DAIS_AUTHENTICATION_MODE=accounts/);
  },
);

test('accounts over plain HTTP require an explicit acceptance', () => {
  expect(verdict({ host: '0.0.0.0', ...accounts })).toMatch(/^unsafe_bind: .*--tls-cert.*--insecure-http/);
});
