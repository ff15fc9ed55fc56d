import { kinds as kindSpecs, projectKind, summarizeIssues, type KindSpec } from '@dais/api';
import { secretKind } from '@dais/api/access';
import { alertChannelKind } from '@dais/api/webhooks';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkManifest, MAX_RESOURCE_BYTES, requireManifest } from './manifest-check.ts';
import { readDocuments } from './manifest-text.ts';
import { KindRegistry } from './registry.ts';

const ranged = {
  ...projectKind,
  kind: 'Range',
  plural: 'ranges',
  shortNames: [],
  scope: 'project',
  spec: z.strictObject({ from: z.int(), to: z.int(), note: z.string().optional() }),
  check: (spec: { from: number; to: number }) =>
    spec.from <= spec.to ? [] : [{ path: 'spec.to', message: 'lies before spec.from' }],
} satisfies KindSpec;

const kinds = new KindRegistry([...kindSpecs, ranged].map((spec) => ({ spec })));
const secret = (changes: object = {}) => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Secret',
  metadata: { name: 'a' },
  spec: {},
  ...changes,
});

/** The code, then every path with the nearest name: `invalid_manifest spec.dat>data`. */
function result(value: unknown): string {
  const result = checkManifest(kinds, value);
  if (result.ok) return 'ok';
  const issues = result.issues.map(({ path, nearest }) => ` ${path}${nearest === undefined ? '' : `>${nearest}`}`);
  return result.code + issues.join('');
}

describe('one manifest alone', () => {
  test.each<[string, unknown, string]>([
    ['a good one', secret(), 'ok'],
    [
      'with everything',
      secret({ metadata: { name: 'a', project: 'p', labels: { a: 'b' }, annotations: { c: 'd' } } }),
      'ok',
    ],
    ['nothing', undefined, 'invalid_manifest '],
    ['null', null, 'invalid_manifest '],
    ['text', 'Secret', 'invalid_manifest '],
    ['a list', [secret()], 'invalid_manifest '],
    ['a whole number too large', 2n ** 70n, 'invalid_manifest '],
    ['an empty map', {}, 'unknown_kind apiVersion>dais.dev/v1 kind'],
    ['an unknown kind', secret({ kind: 'Secrets' }), 'unknown_kind kind>Secret'],
    ['a kind in the wrong case', secret({ kind: 'alertchannel' }), 'unknown_kind kind>AlertChannel'],
    ['a kind like no other', secret({ kind: 'Deployment' }), 'unknown_kind kind'],
    ['a kind of the wrong type', secret({ kind: { a: 1 } }), 'unknown_kind kind'],
    ['a kind that is a number too large', secret({ kind: 2n ** 70n }), 'unknown_kind kind'],
    ['a kind named as the prototype', secret({ kind: '__proto__' }), 'unknown_kind kind'],
    ['a kind named as a method', secret({ kind: 'constructor' }), 'unknown_kind kind'],
    ['an unknown version', secret({ apiVersion: 'dais.dev/v2' }), 'unknown_version apiVersion>dais.dev/v1'],
    ['a version too large', secret({ apiVersion: 2n ** 70n }), 'invalid_manifest apiVersion>dais.dev/v1 apiVersion'],
    [
      'an unknown version and a wrong field',
      secret({ apiVersion: 'v1', specs: 1 }),
      'invalid_manifest apiVersion>dais.dev/v1 specs>spec',
    ],
    ['an unknown field', secret({ spec: { descripton: 'x' } }), 'invalid_manifest spec.descripton>description'],
    ['a field at the wrong level', secret({ description: 'x' }), 'invalid_manifest description'],
    ['no metadata', secret({ metadata: undefined }), 'invalid_manifest metadata'],
    ['no name', secret({ metadata: {} }), 'invalid_manifest metadata.name'],
    ['an empty name', secret({ metadata: { name: '' } }), 'invalid_manifest metadata.name metadata.name'],
    ['a name with a line break', secret({ metadata: { name: 'a\nb' } }), 'invalid_manifest metadata.name'],
    ['a name that ends in a space', secret({ metadata: { name: 'a ' } }), 'invalid_manifest metadata.name'],
    ['a name too long', secret({ metadata: { name: 'ä'.repeat(257) } }), 'invalid_manifest metadata.name'],
    ['any printable name', secret({ metadata: { name: '../ä 文 "x"' } }), 'ok'],
    [
      'a label of the wrong form',
      secret({ metadata: { name: 'a', labels: { 'a b': 'c' } } }),
      'invalid_manifest metadata.labels.a b',
    ],
    [
      'a label that is a number',
      secret({ metadata: { name: 'a', labels: { a: 1 } } }),
      'invalid_manifest metadata.labels.a',
    ],
    ['the status', secret({ status: {} }), 'invalid_manifest status'],
    ['infinity', secret({ spec: { description: Infinity } }), 'invalid_manifest spec.description'],
    ['NUL', secret({ spec: { description: 'a\0' } }), 'invalid_manifest spec.description'],
    ['half a pair of surrogates', secret({ spec: { data: { key: '\ud83d' } } }), 'invalid_manifest spec.data.key'],
    [
      'the prototype as a key',
      JSON.parse('{"__proto__":{},"kind":"Secret"}'),
      'invalid_manifest apiVersion>dais.dev/v1 __proto__ metadata spec',
    ],
    [
      'the prototype where any key may stand',
      secret({ spec: JSON.parse('{"data":{"__proto__":{"toString":1}}}') }),
      'invalid_manifest spec.data.__proto__',
    ],
    ['a method’s name where any key may stand', secret({ spec: { data: { constructor: 'x' } } }), 'ok'],
    [
      'a project for a kind of the organization',
      { ...secret(), kind: 'Project', metadata: { name: 'a', project: 'b' } },
      'invalid_manifest metadata.project',
    ],
    ['a rule across fields', { ...secret(), kind: 'Range', spec: { from: 2, to: 1 } }, 'invalid_manifest spec.to'],
    [
      'no rule is applied to a wrong type',
      { ...secret(), kind: 'Range', spec: { from: 'b' } },
      'invalid_manifest spec.from spec.to',
    ],
    [
      'all problems at the same time',
      secret({ metadata: { nam: 'a', labels: { a: 1 } }, spec: { data: [], decription: 1 }, sepc: {} }),
      'invalid_manifest metadata.name metadata.labels.a metadata.nam>name spec.data spec.decription>description sepc>spec',
    ],
  ])('%s', (_name, value, want) => {
    expect(result(value)).toBe(want);
  });

  test('the size of a too large manifest is reported in bytes', () => {
    const data = Object.fromEntries(Array.from({ length: 4 }, (_, n) => [`k${n}`, 'x'.repeat(1_048_576)]));
    const result = checkManifest(kinds, secret({ spec: { data } }));
    expect(result).toMatchObject({
      ok: false,
      code: 'too_large',
      issues: [{ path: '', expected: `at most ${MAX_RESOURCE_BYTES}` }],
    });
  });

  test('an accepted manifest is returned as authored, without defaults', () => {
    const [document] = readDocuments('f', alertChannelKind.example);
    const manifest = requireManifest(kinds, document?.value);
    expect(manifest.spec).not.toHaveProperty('attempts');
    expect(manifest.definition.spec.kind).toBe('AlertChannel');
  });

  test('every example is valid', () => {
    for (const spec of kindSpecs) {
      const documents = readDocuments('example.yaml', spec.example);
      expect(documents.map((document) => result(document.value))).toEqual(['ok']);
    }
  });

  test('every input has a defined result', () => {
    const scalar = fc.oneof(
      fc.constantFrom<unknown>(
        'Secret',
        'Project',
        'AlertChannel',
        'dais.dev/v1',
        null,
        undefined,
        2n ** 64n,
        NaN,
        '\0',
      ),
      fc.anything({ withBigInt: true }),
    );
    const metadata = fc.record(
      { name: scalar, project: scalar, labels: scalar, annotations: scalar },
      { requiredKeys: [] },
    );
    const spec = fc.record({ data: scalar, send: scalar, description: scalar, quotas: scalar }, { requiredKeys: [] });
    const manifest = fc.record(
      {
        apiVersion: fc.oneof(fc.constant('dais.dev/v1'), scalar),
        kind: fc.oneof(fc.constantFrom('Secret', 'Project', 'AlertChannel'), scalar),
        metadata: fc.oneof(metadata, scalar),
        spec: fc.oneof(spec, scalar),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(manifest, scalar), (value) => {
        const result = checkManifest(kinds, value);
        const issues = result.ok ? [{ path: 'none' }] : result.issues;
        expect(issues.length).toBeGreaterThan(0);
        expect(issues.every((issue) => issue.path !== undefined)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});

test('a failure is summarized by its first error', () => {
  expect(() => requireManifest(kinds, secret({ spec: { a: 1, b: 1 } }))).toThrow(
    'spec.a there is no field "a" here (and 1 more).',
  );
  expect(() => requireManifest(kinds, 5)).toThrow('The document is 5.');
  expect(summarizeIssues([])).toBe('');
});

describe('the registry', () => {
  test('rejects two kinds with one name or plural', () => {
    expect(() => new KindRegistry([{ spec: secretKind }, { spec: secretKind }])).toThrow('same name');
    expect(() => new KindRegistry([{ spec: secretKind }, { spec: { ...secretKind, kind: 'Other' } }])).toThrow(
      'plural',
    );
  });

  test('builds the schema of a kind once', () => {
    expect(kinds.manifestSchema(secretKind)).toBe(kinds.manifestSchema(secretKind));
    expect(kinds.find('Nothing')).toBeUndefined();
    expect(() => kinds.get('Nothing')).toThrow('no kind Nothing');
  });
});
