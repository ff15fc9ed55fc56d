import { expect, test } from 'vitest';
import { readImageName } from './image-name.ts';

test.each([
  ['alpine', 'docker.io/library/alpine', 'registry-1.docker.io', 443],
  ['alpine:3.20', 'docker.io/library/alpine:3.20', 'registry-1.docker.io', 443],
  ['acme/train', 'docker.io/acme/train', 'registry-1.docker.io', 443],
  ['ghcr.io/acme/train:7', 'ghcr.io/acme/train:7', 'ghcr.io', 443],
  ['10.0.0.5:5000/train', '10.0.0.5:5000/train', '10.0.0.5', 5000],
  ['[::1]:5000/train', '[::1]:5000/train', '::1', 5000],
  [`ghcr.io/a@sha256:${'a'.repeat(64)}`, `ghcr.io/a@sha256:${'a'.repeat(64)}`, 'ghcr.io', 443],
] as const)('%s', (text, name, host, port) => {
  expect(readImageName(text)).toEqual({ name, registry: { host, port } });
});

test('local images have no registry', () => {
  expect(readImageName('localhost/own:1')).toEqual({ name: 'localhost/own:1', registry: undefined });
});

test.each([
  '',
  '--privileged',
  '-v',
  'a b',
  'dir:/etc',
  'docker://x/y',
  'ghcr.io/../x',
  'ghcr.io//x',
  'ghcr.io/',
  '/etc/passwd',
  'a;b/c',
])('rejects %j', (text) => {
  expect(readImageName(text)).toBeUndefined();
});
