import { expect, test } from 'vitest';
import { z } from 'zod';
import { operationCall } from '#client/operation-call.ts';
import { defineOperation, type HttpBinding } from '#operations/operation.ts';

const made = (http: HttpBinding) =>
  defineOperation({
    name: 'thing.do',
    action: 'thing:do',
    mode: 'write',
    scope: 'org',
    summary: 'Does it.',
    input: z.strictObject({}),
    output: z.strictObject({}),
    http,
  });

test('fields are placed by the binding, the others in the body', () => {
  const operation = made({
    method: 'POST',
    path: '/api/v1/things/:name/x',
    status: 200,
    query: ['deep'],
    ifMatchField: 'v',
  });
  expect(operationCall(operation, { name: 'a/b', deep: true, v: '7', more: [1] })).toEqual({
    method: 'POST',
    path: '/api/v1/things/a%2Fb/x',
    query: { deep: true },
    body: { type: 'application/json', text: '{"more":[1]}' },
    headers: { 'if-match': '"7"' },
  });
});

test('one field can be the whole body; GET and DELETE have none', () => {
  const put = made({ method: 'PUT', path: '/api/v1/things/:name', status: 200, bodyField: 'manifest' });
  expect(operationCall(put, { name: 'a', manifest: { b: 1 } }).body?.text).toBe('{"b":1}');
  const get = made({ method: 'GET', path: '/api/v1/things', status: 200, query: ['limit'] });
  expect(operationCall(get, { limit: 3 })).toEqual({ method: 'GET', path: '/api/v1/things', query: { limit: 3 } });
});

test.each(['', '.', '..'])('%j is invalid in a URL', (name) => {
  const get = made({ method: 'GET', path: '/api/v1/things/:name', status: 200 });
  expect(() => operationCall(get, { name })).toThrow('is not a valid resource name');
});
