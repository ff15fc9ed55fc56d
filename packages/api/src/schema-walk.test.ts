import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { reference } from './manifest.ts';
import { fieldNames, findReferences, referencedKind, schemaAt, unwrapSchema } from './schema-walk.ts';

const mail = z.strictObject({
  type: z.literal('mail'),
  server: reference('Server'),
  cc: z.array(z.string()).optional(),
});
const hook = z.strictObject({
  type: z.literal(['hook', 'chat']),
  key: z.strictObject({ secret: reference('Secret').describe('The key.'), key: z.string() }).optional(),
});
const schema = z.strictObject({
  name: z.string().optional(),
  count: z.int().default(3),
  main: reference('Server').optional(),
  spare: z.array(reference('Server')).default([]),
  by: z.record(z.string(), reference('Team')).optional(),
  send: z.discriminatedUnion('type', [mail, hook]).optional(),
  either: z.union([z.string(), z.strictObject({ to: reference('Server') })]).nullable(),
  list: z.array(z.strictObject({ of: reference('Model').nullish() }).readonly()).optional(),
});

describe('finding references', () => {
  test('all references with their paths, through lists, maps and unions', () => {
    const value = {
      name: 'n',
      main: 'a',
      spare: ['b', 'c'],
      by: { x: 't', 'y.z': 'u' },
      send: { type: 'chat', key: { secret: 's', key: 'k' } },
      either: { to: 'd' },
      list: [{ of: null }, {}, { of: 'm' }],
    };
    expect(findReferences(schema, value)).toEqual([
      { kind: 'Server', name: 'a', path: 'main' },
      { kind: 'Server', name: 'b', path: 'spare[0]' },
      { kind: 'Server', name: 'c', path: 'spare[1]' },
      { kind: 'Team', name: 't', path: 'by.x' },
      { kind: 'Team', name: 'u', path: 'by.y.z' },
      { kind: 'Secret', name: 's', path: 'send.key.secret' },
      { kind: 'Server', name: 'd', path: 'either.to' },
      { kind: 'Model', name: 'm', path: 'list[2].of' },
    ]);
  });

  test('the member of a union is chosen by its discriminator', () => {
    expect(findReferences(schema, { send: { type: 'mail', server: 'v' }, either: 'text' })).toEqual([
      { kind: 'Server', name: 'v', path: 'send.server' },
    ]);
  });

  test('no references in an empty value, and none in values outside of the schema', () => {
    expect(findReferences(schema, {})).toEqual([]);
    expect(findReferences(schema, undefined)).toEqual([]);
    expect(findReferences(z.looseObject({}), { constructor: 'x', toString: { a: 'b' }, __proto__: 'y' })).toEqual([]);
  });

  test('a reference is found directly and below a wrapper with a description', () => {
    expect(referencedKind(reference('A'))).toBe('A');
    expect(referencedKind(reference('A').describe('x'))).toBe('A');
    expect(referencedKind(reference('A').optional())).toBe('A');
    expect(referencedKind(reference('A').optional().describe('x'))).toBe('A');
    expect(referencedKind(reference('A').default('x').describe('y'))).toBe('A');
    expect(referencedKind(z.string())).toBeUndefined();
  });
});

describe('walking', () => {
  test.each<[string, (string | number)[], unknown, string | undefined]>([
    ['the whole', [], {}, 'object'],
    ['a field', ['name'], {}, 'string'],
    ['a field with a default', ['count'], {}, 'number'],
    ['an entry of a list', ['spare', 4], {}, 'string'],
    ['an entry of a map', ['by', 'anything'], {}, 'string'],
    ['a member of a union', ['send', 'cc', 0], { send: { type: 'mail' } }, 'string'],
    ['a field of another member', ['send', 'cc'], { send: { type: 'hook' } }, undefined],
    ['no field', ['nothing', 'below'], {}, undefined],
    ['below text', ['name', 'x'], { name: 'a' }, undefined],
    ['a name of the prototype', ['constructor'], {}, undefined],
    ['a name of the prototype, deeper', ['__proto__', 'toString'], {}, undefined],
  ])('%s', (_name, path, value, want) => {
    expect((schemaAt(schema, path, value) as { def?: { type: string } } | undefined)?.def?.type).toBe(want);
  });

  test('names of fields, over all members of an undecided union', () => {
    expect(fieldNames(mail)).toEqual(['type', 'server', 'cc']);
    expect(fieldNames(schema.shape.send)).toEqual(['type', 'server', 'cc', 'key']);
    expect(fieldNames(schema.shape.send, { type: 'chat' })).toEqual(['type', 'key']);
    expect(fieldNames(schema.shape.either)).toEqual(['to']);
    expect(fieldNames(z.string())).toEqual([]);
  });

  test('all wrappers are removed', () => {
    expect(unwrapSchema(z.string().optional().nullable().default('x').readonly())).toBeInstanceOf(z.ZodString);
  });
});
