import { expect, test } from 'vitest';
import { noProxyFor, trackingUri } from '#clients/mlflow-variables.ts';

test.each([
  ['http://h:7070', undefined, 'http://h:7070'],
  ['http://h:7070/', 'team', 'http://h:7070/p/team'],
  ['https://h/base/', 'my team', 'https://h/base/p/my%20team'],
])('%s in project %s', (server, project, want) => {
  expect(trackingUri(server, project)).toBe(want);
});

test.each([
  ['no proxy', 'http://127.0.0.1:1', {}, undefined],
  ['another machine', 'http://dais.example.com', { HTTP_PROXY: 'http://proxy:1' }, undefined],
  ['named already', 'http://127.0.0.1:1', { HTTP_PROXY: 'http://p:1', NO_PROXY: 'a, 127.0.0.1' }, undefined],
  ['all are', 'http://127.0.0.1:1', { http_proxy: 'http://p:1', no_proxy: '*' }, undefined],
  ['not named', 'http://127.0.0.1:1', { https_proxy: 'http://p:1', NO_PROXY: 'example.com' }, 'example.com,127.0.0.1'],
  ['the lower one counts', 'http://localhost', { all_proxy: 'x', NO_PROXY: 'localhost', no_proxy: 'a' }, 'a,localhost'],
  ['IPv6', 'http://[::1]:1', { HTTP_PROXY: 'http://p:1' }, '::1'],
])('NO_PROXY: %s', (_name, server, variables, want) => {
  expect(noProxyFor(server, variables)).toBe(want);
});
