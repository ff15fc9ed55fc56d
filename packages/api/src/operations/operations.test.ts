import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { eventTypes } from '#events/event-types.ts';
import { findKind, kinds } from '#kinds/index.ts';
import { platformOperations } from './platform.ts';
import { manifestSchema, resourceOperations, resourceSchema, watchEventSchema } from './resources.ts';

const operations = [...platformOperations, ...kinds.flatMap((kind) => resourceOperations(kind))];
const has = (schema: z.ZodType, field: string) => 'shape' in schema && field in (schema as z.ZodObject).shape;
const fieldsOf = (schema: z.ZodType) => Object.keys((schema as z.ZodObject).shape);

describe('operations', () => {
  test('each has a unique name', () => {
    const names = operations.map((operation) => operation.name);
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  test('operations with the same action have the same roles, because roles grant actions', () => {
    const roles = new Map<string, string>();
    for (const { name, action, roles: own, self = false, http } of operations) {
      // Without roles, the action determines them. A ticket carries the permission of the operation that created it.
      if (own === undefined || self || http.ticketField !== undefined) continue;
      const sorted = own.toSorted((a, b) => (a < b ? -1 : 1)).join(' ');
      const known = roles.get(action) ?? sorted;
      roles.set(action, known);
      expect([name, action, sorted]).toEqual([name, action, known]);
    }
  });

  test('a response with a secret is marked, so that it is not stored', () => {
    const secrets = ['token', 'access_token', 'link', 'device_code'];
    const reported = operations.filter(
      ({ mode, output }) => mode === 'write' && secrets.some((name) => has(output, name)),
    );
    expect(reported.map(({ name }) => name)).toContain('token.create');
    expect(operations.filter(({ secretAnswer }) => secretAnswer).map(({ name }) => name)).toEqual(
      reported.map(({ name }) => name),
    );
  });

  test('two share a path only where one of them is the watch of the other', () => {
    const address = ({ http }: (typeof operations)[number]) => `${http.method} ${http.path.replaceAll(/:\w+/g, ':')}`;
    for (const operation of operations) {
      const modes = operations.filter((one) => address(one) === address(operation)).map((one) => one.mode);
      const want = modes.length === 1 ? modes : ['read', 'watch'];
      expect([address(operation), modes.toSorted((a, b) => (a < b ? -1 : 1))]).toEqual([address(operation), want]);
    }
  });

  test.each(operations.map((operation) => [operation.name, operation] as const))(
    '%s is complete',
    (_name, operation) => {
      const { action, http, input, mode, name, summary } = operation;
      expect(name).toMatch(/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/);
      expect(action).toMatch(/^[a-z][A-Za-z]*:[a-z][A-Za-z-]*$/);
      expect(summary).toMatch(/^[A-Z].*\.$/);
      const fields = fieldsOf(input);
      const parameters = [...http.path.matchAll(/:(\w+)/g)].flatMap(([, parameter]) => parameter ?? []);
      const bodyFields = [
        ...parameters,
        ...(http.query ?? []),
        ...Object.values(http.cookies ?? {}),
        ...[http.bodyField, http.ifMatchField, http.queryField, http.ticketField].filter((one) => one !== undefined),
      ];
      expect(bodyFields.filter((field) => !fields.includes(field))).toEqual([]);
      // Inputs of a GET or DELETE must be in the URL or a header: it has no body.
      const bodiless = http.method === 'GET' || http.method === 'DELETE';
      expect(fields.filter((field) => bodiless && !bodyFields.includes(field))).toEqual([]);
      expect(http.method === 'GET' ? ['read', 'watch'] : ['read', 'write']).toContain(mode);
    },
  );

  test.each(operations.map((operation) => [operation.name, operation] as const))(
    '%s has JSON Schemas',
    (_name, { input, output }) => {
      for (const schema of [z.toJSONSchema(input, { io: 'input' }), z.toJSONSchema(output, { io: 'output' })]) {
        expect(JSON.parse(JSON.stringify(schema))).toMatchObject({
          $schema: expect.stringContaining('json-schema.org'),
        });
      }
    },
  );

  test('a target is determined from the smallest input', () => {
    for (const { name, target } of operations) {
      const input = { name: 'n', manifest: { metadata: { name: 'm' } } };
      expect([name, typeof target?.(input as never).kind]).toEqual([
        name,
        target === undefined ? 'undefined' : 'string',
      ]);
    }
  });
});

describe.each(kinds.map((kind) => [kind.kind, kind] as const))('kind %s', (_name, kind) => {
  test('is found by its name, plural and short names, in any case', () => {
    for (const word of [kind.kind, kind.plural, ...(kind.shortNames ?? [])]) {
      expect(findKind(word)).toBe(kind);
      expect(findKind(word.toUpperCase())).toBe(kind);
    }
  });

  test('its words are unique', () => {
    const words = kinds.flatMap((one) => [one.kind.toLowerCase(), one.plural, ...(one.shortNames ?? [])]);
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
    expect(kind.plural).toMatch(/^[a-z]+$/);
    expect(kind.kind).toMatch(/^[A-Z][A-Za-z]+$/);
  });

  test('every schema can be written as JSON Schema', () => {
    for (const schema of [manifestSchema(kind), resourceSchema(kind), watchEventSchema(kind)]) {
      expect(z.toJSONSchema(schema, { io: 'input' })).toHaveProperty('properties');
    }
  });

  test('names only existing fields', () => {
    const fields = fieldsOf(kind.spec);
    expect([...(kind.writeOnly ?? []), ...(kind.immutable ?? [])].filter((field) => !fields.includes(field))).toEqual(
      [],
    );
    for (const column of kind.columns) expect(column.path).toMatch(/^(spec|status|metadata)\./);
    expect(fieldsOf(kind.status)).toEqual(expect.arrayContaining(['observedGeneration', 'conditions']));
  });

  test('an absent write-only field must be allowed: an old revision has none', () => {
    for (const field of kind.writeOnly ?? []) {
      expect((kind.spec.shape as Record<string, z.ZodType>)[field]?.safeParse(undefined).success).toBe(true);
    }
  });
});

test('every type of event has a unique name, and its data is a closed shape', () => {
  const types = Object.values(eventTypes);
  expect(new Set(types.map((one) => `${one.type}/${one.v}`)).size).toBe(types.length);
  for (const { type, data, description } of types) {
    expect(type).toMatch(/^[a-z]+(\.[a-z]+)+$/);
    expect(description).toMatch(/^[A-Z].*\.$/);
    expect(data.safeParse({ unknown: 1 }).success).toBe(false);
  }
});

/** All patterns for texts of callers. */
function patterns(schema: unknown): readonly string[] {
  if (Array.isArray(schema)) return schema.flatMap(patterns);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]) =>
    key === 'pattern' && typeof value === 'string' ? [value] : patterns(value),
  );
}

/** Milliseconds of CPU time, without other work of this process. */
function fastest(work: () => void): number {
  let least = Infinity;
  for (let run = 0; run < 5 && least > 5; run++) {
    const before = process.cpuUsage();
    work();
    least = Math.min(least, process.cpuUsage(before).user / 1000);
  }
  return least;
}

describe('patterns of inputs', () => {
  const inputs = [...platformOperations, ...kinds.flatMap(resourceOperations)].map(({ input }) => input);
  const found = new Set(
    inputs.flatMap((input) => patterns(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }))),
  );
  const units = 'a A 0 - . _ / : @ * = + % { } a. a- a/ a: -a .a 0. .. // ä'.split(' ').concat(' ', 'a ', '\t', '\n');

  test('exist', () => {
    expect(found.size).toBeGreaterThan(10);
  });

  // A pattern with backtracking takes seconds for 20,000 characters, one without takes microseconds.
  test.each([...found])('%s rejects any text quickly', (pattern) => {
    const expression = new RegExp(pattern, 'u');
    for (const unit of units) {
      for (const end of ['', '!', '\0', '\n']) {
        const text = unit.repeat(20_000 / unit.length) + end;
        const ms = fastest(() => void expression.test(text));
        expect(ms, `${JSON.stringify(unit)} with ${JSON.stringify(end)}`).toBeLessThan(100);
      }
    }
  });
});
