import { expect, test } from 'vitest';
import { settingOf } from './machine-index.ts';

test('of pip’s files the sections for downloads count', () => {
  const text = '[list]\nindex-url = a\n[global]\ntimeout = 5\nindex_url: https://b/simple \n[install]\nno-index = 1\n';
  expect(settingOf(text, 'index-url')).toBe('https://b/simple');
  expect(settingOf('index-url = a', 'index-url')).toBeUndefined();
});
