import { DaisError } from '@dais/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decide, presentChange, type DecideOptions, type Desired } from './decide.ts';
import type { ResourceRow } from './store.ts';

const row = (changes: Partial<ResourceRow> = {}): ResourceRow => ({
  uid: '01890000-0000-7000-8000-000000000001',
  project_id: '01890000-0000-7000-8000-000000000002',
  kind: 'Thing',
  name: 'a',
  api_version: 'dais.dev/v1',
  origin: 'manifest',
  owner: null,
  generation: 3n,
  version: 17n,
  labels: { team: 'x' },
  annotations: {},
  spec: { size: 1, home: 'north' },
  status: {},
  source: null,
  finalizers: [],
  created_at: new Date(0),
  updated_at: new Date(0),
  deletion_at: null,
  ...changes,
});

/** What the row already is. */
const same = (changes: Partial<Desired> = {}): Desired => ({
  kind: 'Thing',
  name: 'a',
  labels: { team: 'x' },
  annotations: {},
  spec: { size: 1, home: 'north' },
  origin: 'manifest',
  ...changes,
});

const options = (changes: Partial<DecideOptions> = {}): DecideOptions => ({
  allow: 'both',
  takeOver: false,
  immutable: ['home'],
  hiddenChanges: [],
  ...changes,
});

function codeOf(work: () => unknown): string {
  try {
    work();
    return 'none';
  } catch (error) {
    if (error instanceof DaisError) return error.code;
    throw error;
  }
}

describe('the required action', () => {
  test('a missing resource is created, with every field as a change', () => {
    expect(decide(undefined, same({ annotations: { note: 'n' } }), options())).toEqual({
      action: 'create',
      fields: [
        { path: 'metadata.labels.team', after: 'x' },
        { path: 'metadata.annotations.note', after: 'n' },
        { path: 'spec.size', after: 1 },
        { path: 'spec.home', after: 'north' },
      ],
    });
  });

  test('an identical request makes no change', () => {
    expect(decide(row(), same(), options())).toEqual({ action: 'unchanged', fields: [], ownerChanged: false });
  });

  test('a different field is an update of this field', () => {
    expect(decide(row(), same({ spec: { size: 2, home: 'north' }, labels: {} }), options())).toEqual({
      action: 'update',
      fields: [
        { path: 'metadata.labels.team', before: 'x' },
        { path: 'spec.size', before: 1, after: 2 },
      ],
    });
  });

  test('a hidden change is an update without the value', () => {
    expect(decide(row(), same(), options({ hiddenChanges: ['spec.data.key'] }))).toEqual({
      action: 'update',
      fields: [{ path: 'spec.data.key', after: '(changed)' }],
    });
  });

  test('an older version of the language is written anew even if nothing else differs', () => {
    expect(decide(row({ api_version: 'dais.dev/v0' }), same(), options())).toEqual({ action: 'update', fields: [] });
  });

  test.each<[string, Partial<ResourceRow>, Partial<Desired>, boolean]>([
    ['no owner stays none', {}, {}, false],
    ['an owner is kept when none is named', { owner: 'set' }, {}, false],
    ['the same owner', { owner: 'set' }, { owner: 'set' }, false],
    ['a first owner', {}, { owner: 'set' }, true],
    ['another owner', { owner: 'set' }, { owner: 'other' }, true],
    ['another origin', { origin: 'mlflow' }, {}, true],
  ])('%s', (_name, before, expected, ownerChanged) => {
    expect(decide(row(before), same(expected), options({ takeOver: true }))).toMatchObject({
      action: 'unchanged',
      ownerChanged,
    });
  });

  test('a plan after the change finds no difference', () => {
    const spec = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.jsonValue({ maxDepth: 3 }));
    const labels = fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom('', 'v', 'w'));
    fc.assert(
      fc.property(spec, spec, labels, labels, (oldSpec, newSpec, oldLabels, newLabels) => {
        const expected = same({ spec: newSpec, labels: newLabels });
        const first = decide(row({ spec: oldSpec, labels: oldLabels }), expected, options({ immutable: [] }));
        const after = row({ spec: newSpec, labels: newLabels });
        expect(decide(after, expected, options())).toMatchObject({ action: 'unchanged' });
        expect(first.action === 'unchanged').toBe(first.fields.length === 0);
      }),
    );
  });
});

describe('errors', () => {
  test.each<[string, ResourceRow | undefined, Partial<Desired>, Partial<DecideOptions>, string]>([
    ['an update of nothing', undefined, {}, { allow: 'update' }, 'not_found'],
    ['a creation over something', row(), {}, { allow: 'create' }, 'already_exists'],
    ['a version of nothing', undefined, { ifVersion: '1' }, {}, 'precondition_failed'],
    ['another version', row(), { ifVersion: '16' }, {}, 'precondition_failed'],
    ['the right version', row(), { ifVersion: '17' }, {}, 'none'],
    ['a version that is no number', row(), { ifVersion: 'x' }, {}, 'precondition_failed'],
    ['what is being deleted', row({ deletion_at: new Date() }), {}, {}, 'being_deleted'],
    ['what another tool made', row({ origin: 'mlflow' }), {}, {}, 'other_origin'],
    ['what another tool made, taken over', row({ origin: 'mlflow' }), {}, { takeOver: true }, 'none'],
    ['an immutable field', row(), { spec: { size: 1, home: 'south' } }, {}, 'immutable_field'],
    ['an immutable field left out', row(), { spec: { size: 1 } }, {}, 'immutable_field'],
    ['an immutable field given late', row({ spec: { size: 1 } }), {}, {}, 'immutable_field'],
    ['an immutable field at birth', undefined, {}, {}, 'none'],
  ])('%s: %s', (_name, before, expected, rules, code) => {
    expect(codeOf(() => decide(before, same(expected), options(rules)))).toBe(code);
  });

  test('the immutable fields are named', () => {
    expect(() => decide(row(), same({ spec: {} }), options({ immutable: ['home', 'size'] }))).toThrow(
      expect.objectContaining({
        issues: [
          { path: 'spec.home', message: 'cannot be changed' },
          { path: 'spec.size', message: 'cannot be changed' },
        ],
      }),
    );
  });
});

test('a change contains its project, and its version if there is one', () => {
  const key = { kind: 'Thing', name: 'a', project: '' };
  expect(presentChange(key, 'delete', [])).toEqual({ kind: 'Thing', name: 'a', action: 'delete', fields: [] });
  expect(presentChange({ ...key, project: 'p' }, 'create', [], { generation: 1n, version: 5n })).toEqual({
    kind: 'Thing',
    name: 'a',
    project: 'p',
    action: 'create',
    fields: [],
    generation: 1,
    resourceVersion: '5',
  });
});
