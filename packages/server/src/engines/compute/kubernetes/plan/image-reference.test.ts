import { expect, test } from 'vitest';
import { isImageReference } from './image-reference.ts';

test.each([
  'python',
  'python:3.14-slim',
  'acme/train',
  'localhost/dais-busybox:1',
  'localhost:5000/train:1',
  'registry.example/team/train__gpu:v1.2_3',
  `registry.example/train@sha256:${'0'.repeat(64)}`,
  `registry.example:5000/train:1@sha256:${'0'.repeat(64)}`,
  '[fd00::1]:5000/train',
])('%s is valid', (text) => {
  expect(isImageReference(text)).toBe(true);
});

test.each([
  '',
  ' python',
  'python:',
  'Python',
  'acme//train',
  'acme/train:a:b',
  'https://registry.example/train',
  'registry.example/',
  'registry.example:port/train',
  'train@sha256:short',
  'train;reboot',
  `a/${'b'.repeat(512)}`,
])('%j is not valid', (text) => {
  expect(isImageReference(text)).toBe(false);
});
