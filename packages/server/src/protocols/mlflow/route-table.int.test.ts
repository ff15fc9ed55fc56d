import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { whyAbsent } from './absent-endpoints.ts';
import { byteEndpoints } from './artifacts/artifact-transfer.ts';
import { multipartEndpoints } from './artifacts/multipart-transfer.ts';
import { addressesOf, routes } from './route-table.ts';
import type { Field, Message } from './wire/message.ts';

interface Endpoint {
  readonly method: string;
  readonly path: string;
  readonly request: Readonly<Record<string, string>>;
  readonly response: Readonly<Record<string, string>>;
}

const published = JSON.parse(
  readFileSync(new URL('../../../../../conformance/mlflow/endpoints.json', import.meta.url), 'utf8'),
) as { readonly endpoints: readonly Endpoint[] };

const shape = (path: string) => path.replaceAll(/\{[^}]*\}|<[^>]*>|:\w+/g, '*');
/** Read from the query string by MLflow's handler, and in no protocol file. */
const UNPUBLISHED = new Set(['allow_deleted']);

test.each(routes.filter(({ beside }) => beside === undefined))(
  '$method $path is an endpoint of MLflow, with fields of that name and type',
  (route) => {
    const [address = ''] = addressesOf(route);
    const endpoint = published.endpoints.find(
      ({ method, path }) => method === route.method && shape(path) === shape(address),
    );
    expect(differences(withoutNamed(route), endpoint?.request ?? {})).toEqual([]);
    expect(differences(route.response, endpoint?.response ?? {})).toEqual([]);
  },
);

test('no endpoint is listed twice', () => {
  const keys = routes.map(({ method, path, version }) => `${method} ${version} ${shape(path)}`);
  expect(new Set(keys).size).toBe(keys.length);
});

/** Path fields belong to the URL, even if the message has them too. */
function withoutNamed({ path, request }: (typeof routes)[number]): Message {
  return Object.fromEntries(Object.entries(request).filter(([name]) => !path.split('/').includes(`:${name}`)));
}

test('every missing endpoint has a reason', () => {
  const here = [
    ...routes.map((route) => ({ ...route, path: addressesOf(route)[0] ?? '' })),
    ...byteEndpoints,
    ...multipartEndpoints,
  ];
  const served = new Set(here.map(({ method, path }) => `${method} ${shape(path)}`));
  const missing = published.endpoints.filter(({ method, path }) => !served.has(`${method} ${shape(path)}`));
  expect(missing.filter(({ path }) => whyAbsent(path) === undefined)).toEqual([]);
});

function differences(message: Message, fields: Readonly<Record<string, string>>): string[] {
  return Object.entries(message).flatMap(([name, field]) => {
    const type = fields[name];
    if (UNPUBLISHED.has(name) || (type !== undefined && fits(field, type))) return [];
    return [`${name} is ${type ?? 'not there'}`];
  });
}

function fits({ kind, repeated }: Field, type: string): boolean {
  const named = kind === 'message' || kind === 'enum' || kind === 'json';
  // Protocol buffers describe a map as a list of entries.
  if (kind === 'map') return type.endsWith('Entry[]');
  const one = type.replace('[]', '');
  return repeated === type.endsWith('[]') && (named ? /^[A-Z]/.test(one) : one === kind);
}
