import { DaisError, type Resource, type Revision } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { errorOf, freshName, freshProject, lines, namesIn } from './testing/test-project.ts';

let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { start: 'none' });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

/** `test.yaml:3:5 spec.sice>size` for each issue. */
const locationsOf = (error: DaisError) =>
  (error.issues ?? []).map(
    ({ file, line, column, path, nearest }) =>
      `${file}:${line}:${column} ${path}${nearest === undefined ? '' : `>${nearest}`}`,
  );

describe('apply', () => {
  test('creates and changes resources as the documents require, and leaves others alone', async () => {
    const p = await freshProject(dais);
    const first = [manifest('Part', 'a', { size: 1 }), manifest('Part', 'b', { note: 'x' })];
    expect(lines(await p.apply(first))).toEqual(['create Part/a spec.size', 'create Part/b spec.note']);
    expect(lines(await p.apply(first))).toEqual(['unchanged Part/a', 'unchanged Part/b']);
    const changes = await p.apply([manifest('Part', 'a', { size: 2 }), manifest('Part', 'b', { note: 'x' })]);
    expect(changes).toMatchObject([
      { action: 'update', project: p.name, generation: 2, fields: [{ path: 'spec.size', before: 1, after: 2 }] },
      { action: 'unchanged', generation: 1 },
    ]);
    for (const { name, resourceVersion } of changes) {
      expect((await p.get(name)).metadata.resourceVersion).toBe(resourceVersion);
    }
  });

  test('a thousand documents in one request', async () => {
    const p = await freshProject(dais);
    const documents = Array.from({ length: 1000 }, (_, n) =>
      manifest('Part', `n${n}`, { size: n, ...(n > 0 && { uses: [`n${n - 1}`] }) }),
    );
    expect((await p.apply(documents)).filter((change) => change.action === 'create')).toHaveLength(1000);
    expect(await p.names()).toHaveLength(1000);
    expect((await p.apply(documents)).every((change) => change.action === 'unchanged')).toBe(true);
  });

  test('creates resources of the organization, a project and its resources, in any order', async () => {
    const name = freshName();
    const changes = await dais.apply([
      manifest('Part', 'b', { uses: ['a'], fleet: `${name}-fleet` }, { project: name }),
      manifest('Part', 'a', {}, { project: name }),
      manifest('Project', name),
      manifest('Fleet', `${name}-fleet`),
    ]);
    expect(lines(changes)).toEqual([
      `create Project/${name}`,
      `create Fleet/${name}-fleet spec.region`.replace(' spec.region', ''),
      'create Part/b spec.uses spec.fleet',
      'create Part/a',
    ]);
    expect(await namesIn(dais, 'part', name)).toEqual(['a', 'b']);
  });

  test('resources may reference each other in a cycle', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'a', { uses: ['b'] }), manifest('Part', 'b', { uses: ['a', 'b'] })]);
    expect(await p.names()).toEqual(['a', 'b']);
  });

  test.each<[string, object[]]>([
    ['a wrong field', [manifest('Part', 'x'), manifest('Part', 'y', { sice: 1 })]],
    ['a reference to nothing', [manifest('Part', 'x'), manifest('Part', 'y', { uses: ['nowhere'] })]],
    ['an immutable field', [manifest('Part', 'x'), manifest('Part', 'kept', { home: 'south' })]],
    [
      'a version that is past',
      [manifest('Part', 'x'), manifest('Part', 'kept', { home: 'north', size: 9 }, { resourceVersion: '1' })],
    ],
    ['a document twice', [manifest('Part', 'x'), manifest('Part', 'x', { size: 2 })]],
    ['a project that is not there', [manifest('Part', 'x'), manifest('Part', 'y', {}, { project: 'nowhere' })]],
  ])('all or none: %s', async (_name, documents) => {
    const name = freshName();
    await dais.apply([manifest('Project', name), manifest('Part', 'kept', { home: 'north' }, { project: name })]);
    const inProject = documents.map((one) => ({ ...one, metadata: { project: name, ...(one as Resource).metadata } }));
    const work = dais.apply([...inProject, manifest('Fleet', `${name}-new`)]);
    expect(await codeOf(work)).not.toBe('ok');
    expect(await namesIn(dais, 'part', name)).toEqual(['kept']);
    expect(await namesIn(dais, 'fleet')).not.toContain(`${name}-new`);
  });

  test('every error is reported with its position', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'kept', { home: 'north' })]);
    const text = `apiVersion: dais.dev/v1
kind: Part
metadata: {name: a}
spec:
  sice: 1
---
apiVersion: dais.dev/v2
kind: Part
metadata: {nam: b}
spec: {}
---
kind: Prat
`;
    const error = await errorOf(p.apply(text));
    expect(error.code).toBe('invalid_manifest');
    expect(locationsOf(error)).toEqual([
      'test.yaml:5:3 spec.sice>size',
      'test.yaml:7:1 apiVersion>dais.dev/v1',
      'test.yaml:9:1 metadata.name',
      'test.yaml:9:12 metadata.nam>name',
      'test.yaml:12:1 apiVersion>dais.dev/v1',
      'test.yaml:12:1 kind>Part',
    ]);
  });

  test('problems that only the database detects are reported too', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'kept', { home: 'north' }), manifest('Part', 'other')]);
    const text = `apiVersion: dais.dev/v1
kind: Part
metadata:
  name: kept
spec:
  home: south
---
apiVersion: dais.dev/v1
kind: Part
metadata:
  name: other
  resourceVersion: "1"
spec: {}
`;
    const error = await errorOf(p.apply(text));
    expect(error.code).toBe('immutable_field');
    expect(locationsOf(error)).toEqual(['test.yaml:6:3 spec.home', 'test.yaml:11:3 metadata.name']);
    const dangling = await errorOf(
      p.apply(`apiVersion: dais.dev/v1
kind: Part
metadata: {name: x}
spec:
  uses:
    - kept
    - nowhere
  shape: {form: square, sides: [1, 2], like: gone}
  fleet: none
`),
    );
    expect(dangling.code).toBe('reference_not_found');
    expect(locationsOf(dangling)).toEqual(
      ['test.yaml:7:7 spec.uses[1]', 'test.yaml:8:40 spec.shape.like', 'test.yaml:9:3 spec.fleet'].toSorted(),
    );
  });

  test('one resource in two files: both positions are named', async () => {
    const p = await freshProject(dais);
    const text = JSON.stringify(manifest('Part', 'a'));
    const sources = [
      { file: 'one.yaml', text },
      { file: 'two.yaml', text: `\n\n${text}` },
    ];
    const error = await errorOf(dais.call('platform.apply', { sources }, p.context));
    expect(error.code).toBe('duplicate_document');
    expect(error.issues).toMatchObject([{ file: 'two.yaml', line: 3, message: expect.stringContaining('one.yaml:1') }]);
  });

  test.each<[string, object, string]>([
    ['no documents', { sources: [] }, 'invalid_request'],
    ['prune without owner', { sources: [{ file: 'f', text: '' }], prune: true }, 'invalid_request'],
    ['text that is no YAML', { sources: [{ file: 'f', text: 'a: [' }] }, 'unreadable_body'],
    ['a bomb', { sources: [{ file: 'f', text: '['.repeat(1000) }] }, 'manifest_too_complex'],
    [
      'too many documents over all files',
      { sources: ['f', 'g'].map((file) => ({ file, text: 'a\n---\n'.repeat(2501) })) },
      'too_large',
    ],
    [
      'too many bytes over all files',
      { sources: ['f', 'g'].map((file) => ({ file, text: `"${'ä'.repeat(5e6)}"` })) },
      'too_large',
    ],
    ['NUL', { sources: [{ file: 'f', text: 'a: \0' }] }, 'invalid_request'],
  ])('rejects %s', async (_name, input, code) => {
    expect(await codeOf(dais.call('platform.apply', input))).toBe(code);
    expect(await codeOf(dais.call('platform.plan', input))).toBe(code);
  });

  test('an empty text changes nothing', async () => {
    expect(await dais.apply('# nothing\n---\n')).toEqual([]);
  });

  test('a request for one project accepts no document of another', async () => {
    const p = await freshProject(dais);
    const error = await errorOf(p.apply([manifest('Part', 'a', {}, { project: 'default' })]));
    expect(error.code).toBe('project_mismatch');
    expect(error.issues).toMatchObject([{ file: 'test.yaml', path: 'metadata.project' }]);
  });

  test('each item is authorized individually', async () => {
    const requests: string[] = [];
    const strict = await startTestKernel(test_, {
      start: 'none',
      authorizer: {
        authorize: async ({ operation, target }) => {
          requests.push(`${operation.action} ${target.kind}/${target.name ?? ''} ${target.project ?? '-'}`);
          if (target.name === 'forbidden') throw new DaisError('forbidden', `You may not ${operation.action}.`);
          return {};
        },
      },
    });
    const p = await freshProject(dais);
    await strict.apply([manifest('Part', 'a'), manifest('Part', 'b')], { owner: `${p.name}-set` }, p.context);
    await strict.apply([manifest('Part', 'a')], { owner: `${p.name}-set`, prune: true }, p.context);
    expect(requests).toEqual([
      'platform:apply Platform/ -',
      `part:write Part/a ${p.name}`,
      `part:write Part/b ${p.name}`,
      'platform:apply Platform/ -',
      `part:write Part/a ${p.name}`,
      `part:delete Part/b ${p.name}`,
    ]);
    const work = strict.apply([manifest('Part', 'c'), manifest('Part', 'forbidden')], {}, p.context);
    expect(await codeOf(work)).toBe('forbidden');
    expect(await p.names()).toEqual(['a']);
  });

  test('concurrent applies of overlapping documents all end, and each is applied completely', async () => {
    const p = await freshProject(dais);
    const documents = (writer: number) =>
      Array.from({ length: 20 }, (_, n) => manifest('Part', `n${(n * 7 + writer * 3) % 20}`, { size: writer + 10 }));
    const codes = await Promise.all(Array.from({ length: 6 }, (_, writer) => codeOf(p.apply(documents(writer)))));
    expect(codes).toEqual(Array(6).fill('ok'));
    const sizes = await Promise.all((await p.names()).map(async (name) => (await p.get(name)).spec['size']));
    expect(sizes).toHaveLength(20);
    expect(new Set(sizes).size).toBe(1);
  });
});

describe('other tools and owners', () => {
  test('a resource of another tool is changed only when adopted', async () => {
    const p = await freshProject(dais);
    const other = { ...p.context, origin: 'other' };
    await dais.apply([manifest('Part', 'a', { size: 1 })], {}, other);
    expect(await codeOf(p.apply([manifest('Part', 'a', { size: 1 })]))).toBe('other_origin');
    expect(lines(await p.apply([manifest('Part', 'a', { size: 2 })], { takeOver: true }))).toEqual([
      'update Part/a spec.size',
    ]);
    expect((await p.get('a')).metadata.origin).toBe('manifest');
    expect(await codeOf(dais.apply([manifest('Part', 'a')], {}, other))).toBe('other_origin');
  });

  test('an adoption without a change is reported as unchanged, with a new version and no revision', async () => {
    const p = await freshProject(dais);
    await dais.apply([manifest('Part', 'a')], {}, { ...p.context, origin: 'other' });
    const [change] = await p.apply([manifest('Part', 'a')], { takeOver: true, owner: 'set' });
    expect(change).toMatchObject({ action: 'unchanged', generation: 1 });
    const { metadata } = await p.get('a');
    expect(metadata).toMatchObject({ origin: 'manifest', owner: 'set', generation: 1 });
    expect(metadata.resourceVersion).toBe(change!.resourceVersion);
  });

  test('an owner stays if the request names none, and changes if it names another', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'a')], { owner: 'one' });
    await p.apply([manifest('Part', 'a', { size: 2 })]);
    expect((await p.get('a')).metadata.owner).toBe('one');
    await p.apply([manifest('Part', 'a', { size: 2 })], { owner: 'two' });
    expect((await p.get('a')).metadata.owner).toBe('two');
  });
});

test('each revision contains its source', async () => {
  const p = await freshProject(dais);
  const source = { remote: 'https://example.com/r.git', commit: 'b'.repeat(40), path: 'a/x.yaml', dirty: false };
  const sources = [{ file: 'a/x.yaml', text: JSON.stringify(manifest('Part', 'a')), source }];
  await dais.call('platform.apply', { sources }, p.context);
  const { items } = await dais.call<{ items: Revision[] }>('part.history', { name: 'a' }, p.context);
  expect(items[0]!.source).toEqual(source);
});
