import { expect, test } from 'vitest';
import { checkProxies } from '#doctor/proxies.ts';

const states = (variables: Record<string, string>) => checkProxies(variables).map((finding) => finding.state);

test('no proxy, or a correct one', () => {
  expect(states({})).toEqual(['ok']);
  expect(states({ HTTPS_PROXY: 'http://proxy:3128', NO_PROXY: 'localhost,127.0.0.1' })).toEqual(['ok']);
});

test('common mistakes, without printing a password', () => {
  const findings = checkProxies({ HTTPS_PROXY: 'user:secret@proxy:3128', https_proxy: 'http://other:1' });
  expect(findings.map((finding) => finding.state)).toEqual(['warning', 'warning', 'warning']);
  expect(JSON.stringify(findings)).not.toContain('secret');
});
