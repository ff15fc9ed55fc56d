import { expect, test } from 'vitest';
import { servedVersion } from './served-version.ts';

test('a registered version has a page; a model of another server has none', () => {
  expect(servedVersion('p', 'flights', '7')).toEqual({
    text: 'flights/7',
    address: expect.objectContaining({ params: { project: 'p', name: 'flights', version: '7' } }) as unknown,
  });
  expect(servedVersion('p', 'triton:resnet50', '3')).toEqual({ text: 'triton:resnet50/3', address: undefined });
  expect(servedVersion('p', 'triton:resnet50', '')).toEqual({ text: 'triton:resnet50', address: undefined });
  expect(servedVersion('p', 'run-id', '')).toBeUndefined();
  expect(servedVersion('p', '', '')).toBeUndefined();
});
