import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unsupportedReason } from './unsupported-endpoints.ts';
import { BASE, routes } from './route-table.ts';
import type { Field } from './wire/message.ts';

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly request: Readonly<Record<string, string>>;
}

const { endpoints } = JSON.parse(
  readFileSync(new URL('../../../../../conformance/kfp/endpoints.json', import.meta.url), 'utf8'),
) as { readonly endpoints: readonly Endpoint[] };

const shape = (path: string) => path.replaceAll(/\{[^}]*\}/g, '*');
const SCALARS: Readonly<Record<string, Field['kind']>> = {
  string: 'string',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
  Timestamp: 'time',
  Struct: 'struct',
  'map<string,string>': 'texts',
  'map<string,google.protobuf.Struct>': 'struct',
  'map<string,PluginOutput>': 'struct',
};

test.each(routes)('$method $path is a published endpoint with fields of the published names and types', (route) => {
  const published = endpoints.find(
    ({ method, path }) => method === route.method && shape(path) === shape(BASE + route.path),
  );
  expect(published?.body === '*' ? undefined : published?.body).toBe(route.body);
  const differing = Object.entries(route.request).filter(([name, field]) => {
    const type = published?.request[name];
    // Output-only fields are accepted in any form; enums and messages have their own names.
    if (type === undefined || field.kind === 'any') return type === undefined;
    return SCALARS[type] === undefined
      ? field.kind !== 'message' && field.kind !== 'enum'
      : SCALARS[type] !== field.kind;
  });
  expect(differing).toEqual([]);
  // A body with a field that is published must not be refused.
  const unknown = Object.keys(published?.request ?? {}).filter((name) => route.request[name] === undefined);
  expect(route.body === undefined ? [] : unknown).toEqual([]);
});

test('endpoints are unique', () => {
  const keys = routes.map(({ method, path }) => `${method} ${shape(path)}`);
  expect(new Set(keys).size).toBe(keys.length);
});

test('each unsupported endpoint has a reason', () => {
  const served = new Set(routes.map(({ method, path }) => `${method} ${shape(BASE + path)}`));
  const missing = endpoints.filter(
    ({ method, path }) => !served.has(`${method} ${shape(path)}`) && path !== `${BASE}/healthz`,
  );
  const unexplained = missing.filter(
    ({ method, path }) => unsupportedReason(method, path.slice(BASE.length)) === undefined,
  );
  expect(unexplained).toEqual([]);
});
