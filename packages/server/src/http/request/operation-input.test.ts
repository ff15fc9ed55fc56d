import { DaisError, defineOperation, type Operation } from '@dais/api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { requestsStream, OperationInput } from '#http/request/operation-input.ts';

const update: Operation = defineOperation({
  name: 'note.update',
  action: 'note:write',
  mode: 'write',
  scope: 'project',
  summary: 'Replaces a note.',
  input: z.strictObject({
    name: z.string(),
    text: z.string().optional(),
    limit: z.int().default(3),
    ratio: z.number().optional(),
    prune: z.boolean().default(false),
    resourceVersion: z.string().optional(),
  }),
  output: z.unknown(),
  http: {
    method: 'PUT',
    path: '/api/v1/notes/:name',
    status: 200,
    query: ['limit', 'ratio', 'prune'],
    ifMatchField: 'resourceVersion',
  },
});
const input = new OperationInput(update);

const request = { params: { name: 'a' }, query: '', body: undefined, ifMatch: undefined };

function issues(change: Partial<Parameters<OperationInput['build']>[0]>) {
  try {
    input.build({ ...request, ...change });
  } catch (error) {
    if (error instanceof DaisError && error.code === 'invalid_request') return error.issues;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('path, query, body and If-Match become one typed input', () => {
  const built = input.build({
    params: { name: 'a/b%' },
    query: 'limit=7&ratio=-0.5&prune=true',
    body: { text: 'x' },
    ifMatch: '"12"',
  });
  expect(built).toEqual({ name: 'a/b%', limit: 7, ratio: -0.5, prune: true, text: 'x', resourceVersion: '12' });
});

test('reports all errors together', () => {
  expect(issues({ query: 'lmit=1&limit=x&limit=2&prune=1&owner=a', ifMatch: '"1"', body: { name: 'b' } })).toEqual([
    {
      path: 'query.lmit',
      message: 'is not a known query parameter',
      expected: 'one of limit, ratio, prune',
      nearest: 'limit',
    },
    { path: 'query.limit', message: 'occurs 2 times', expected: 'once' },
    { path: 'query.limit', message: 'is "x"', expected: 'a number' },
    { path: 'query.prune', message: 'is "1"', expected: 'true or false' },
    { path: 'query.owner', message: 'is not a known query parameter', expected: 'one of limit, ratio, prune' },
    { path: 'name', message: 'occurs twice: here and in the body', expected: 'one of the two' },
  ]);
  expect(issues({ body: [1] })).toEqual([{ path: 'body', message: 'is a list', expected: 'a map' }]);
  expect(issues({ params: { name: 'a\0' } })).toEqual([{ path: 'name', message: 'contains the character NUL' }]);
});

test('reports escapes that are not UTF-8 as an error of the query', () => {
  expect(() => input.build({ ...request, query: 'limit=%ff' })).toThrow('not percent-encoded UTF-8');
  expect(() => input.build({ ...request, query: '%zz' })).toThrow('not percent-encoded UTF-8');
});

test('rejects a condition on an operation that does not support it', () => {
  const { ifMatchField: _, ...http } = update.http;
  const blind = new OperationInput({ ...update, http });
  expect(() => blind.build({ ...request, ifMatch: '"1"' })).toThrow('not a condition that this operation supports');
});

test('a binding with an unknown field fails the start', () => {
  const broken = { ...update, http: { ...update.http, query: ['nothing'] } };
  expect(() => new OperationInput(broken)).toThrow('binds "nothing"');
});

test('watch is true, false or absent', () => {
  expect(['', 'watch=true', 'a=1&watch=true', 'watch=false', 'labels=watch'].map(requestsStream)).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(() => requestsStream('watch=1')).toThrow('query.watch must be true or false');
  expect(() => requestsStream('watch=true&watch=true')).toThrow('query.watch must be true or false');
});
