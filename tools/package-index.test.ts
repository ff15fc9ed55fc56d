import { expect, test } from 'vitest';
import { namedIndex } from './package-index.mjs';

const files = [
  { file: '/etc/pip.conf', text: '[global]\nindex-url = https://first.example/simple\n' },
  { file: '/root/.config/pip/pip.conf', text: '# mine\n[install]\nindex_url: https://second.example/simple\n' },
];

test('variables win over files, uv’s over pip’s, and the last file over the first', () => {
  const all = { UV_DEFAULT_INDEX: 'u1', UV_INDEX_URL: 'u2', PIP_INDEX_URL: 'p' };
  expect(namedIndex(all, files)).toEqual({ url: 'u1', from: 'UV_DEFAULT_INDEX' });
  expect(namedIndex({ UV_INDEX_URL: 'u2', PIP_INDEX_URL: 'p' }, files)).toEqual({ url: 'u2', from: 'UV_INDEX_URL' });
  expect(namedIndex({ PIP_INDEX_URL: 'p' }, files)).toEqual({ url: 'p', from: 'PIP_INDEX_URL' });
  expect(namedIndex({}, files)).toEqual({ url: 'https://second.example/simple', from: '/root/.config/pip/pip.conf' });
});

test('sections that do not count for downloads are not read, and nothing named is nothing', () => {
  expect(namedIndex({}, [{ file: 'x', text: '[freeze]\nindex-url = https://other.example\n' }])).toBeUndefined();
  expect(namedIndex({}, [])).toBeUndefined();
});
