import { kinds, platformOperations, resourceOperations } from '@dais/api';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { openApiDocument } from '#http/openapi/openapi.ts';
import { publicAddress } from '#http/server/public-address.ts';

const operations = [...platformOperations, ...kinds.flatMap(resourceOperations)];
const document = openApiDocument(operations, '1.2.3', publicAddress('https://example.com/ml'));
// oxlint-disable-next-line typescript/no-explicit-any -- A document of many shapes, inspected by the expectations.
const any = document as any;

test('is valid OpenAPI 3.1, and every reference resolves', async () => {
  const validator = new Validator();
  const result = await validator.validate(structuredClone(document));
  expect(result.errors).toBeUndefined();
  expect([result.valid, validator.version]).toEqual([true, '3.1']);
  const text = JSON.stringify(document);
  for (const [, name] of text.matchAll(/#\/components\/schemas\/(\w+)/g))
    expect(any.components.schemas).toHaveProperty(name!);
});

test('describes every operation once, streams with their lists', () => {
  const described = Object.values(
    any.paths as Record<string, Record<string, { operationId: string; 'x-dais-watch'?: string }>>,
  )
    .flatMap((methods) => Object.values(methods))
    .flatMap((one) => [one.operationId, ...(one['x-dais-watch'] === undefined ? [] : [one['x-dais-watch']])]);
  expect(described.toSorted()).toEqual(operations.map(({ name }) => name).toSorted());
});

test('derives bodies, parameters and headers from the bindings', () => {
  const update = any.paths['/api/v1/secrets/{name}'].put;
  expect(update.requestBody.content['application/yaml'].schema).toEqual({
    $ref: '#/components/schemas/SecretManifest',
  });
  expect(update.parameters.map((one: { name: string }) => one.name)).toEqual(['name', 'If-Match', 'Idempotency-Key']);
  expect(update.responses[200].content['application/json'].schema).toEqual({ $ref: '#/components/schemas/Secret' });
  expect(update.responses.default.content).toHaveProperty(['application/problem+json']);
  const list = any.paths['/api/v1/secrets'].get;
  expect(list.parameters.map((one: { name: string }) => one.name)).toEqual([
    'limit',
    'cursor',
    'labels',
    'origin',
    'owner',
    'watch',
    'resourceVersion',
    'Last-Event-ID',
  ]);
  expect(list.responses[200].content).toHaveProperty(['text/event-stream']);
  const apply = any.paths['/api/v1/apply'].post;
  expect(apply.requestBody.content['application/yaml'].schema.type).toBe('string');
  expect(any.paths['/api/v1/projects/{name}/actions/rollback'].post.requestBody.required).toBe(false);
  expect(any.paths['/api/v1/secrets/{name}'].get.responses).toHaveProperty(['304']);
});

test('names the servers by the public URL', () => {
  expect(any.servers.map((one: { url: string }) => one.url)).toEqual([
    'https://example.com/ml',
    'https://example.com/ml/p/{project}',
  ]);
});
