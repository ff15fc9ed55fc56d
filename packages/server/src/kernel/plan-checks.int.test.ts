import type { Change, DaisError, Resource } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { errorOf, freshName, freshProject, lines, namesIn } from './testing/test-project.ts';

const RUNS = fc.readConfigureGlobal()?.numRuns ?? 100;
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

describe('prune', () => {
  test('deletes resources of the set that the documents no longer contain', async () => {
    const p = await freshProject(dais);
    const owner = `${p.name}-set`;
    await p.apply([manifest('Part', 'a'), manifest('Part', 'b', { uses: ['a'] }), manifest('Part', 'c')], { owner });
    await p.apply([manifest('Part', 'foreign')], { owner: `${owner}-2` });
    await p.apply([manifest('Part', 'loose')]);
    await dais.apply([manifest('Part', 'tool')], { owner }, { ...p.context, origin: 'other' });
    expect(lines(await p.apply([manifest('Part', 'c')], { owner }))).toEqual(['unchanged Part/c']);
    expect(lines(await p.plan([manifest('Part', 'c')], { owner, prune: true }))).toEqual([
      'unchanged Part/c',
      'delete Part/a',
      'delete Part/b',
    ]);
    expect(lines(await p.apply([manifest('Part', 'c')], { owner, prune: true }))).toEqual([
      'unchanged Part/c',
      'delete Part/a',
      'delete Part/b',
    ]);
    expect(await p.names()).toEqual(['c', 'foreign', 'loose', 'tool']);
  });

  test('over all projects, and the projects of the set themselves', async () => {
    const [one, two] = [freshName(), freshName()];
    const owner = `${one}-set`;
    const all = [one, two].flatMap((name) => [manifest('Project', name), manifest('Part', 'x', {}, { project: name })]);
    await dais.apply([...all, manifest('Fleet', `${one}-f`)], { owner });
    const changes = await dais.apply(all.slice(0, 2), { owner, prune: true });
    expect(lines(changes).filter((line) => line.startsWith('delete'))).toEqual([
      'delete Part/x',
      `delete Fleet/${one}-f`,
      `delete Project/${two}`,
    ]);
    expect(await namesIn(dais, 'project')).not.toContain(two);
    expect(lines(await dais.apply('', { owner, prune: true }))).toEqual(['delete Part/x', `delete Project/${one}`]);
  });

  test('in the project that the request or the token names, and nowhere else', async () => {
    const [one, two] = [await freshProject(dais), await freshProject(dais)];
    const owner = `${one.name}-set`;
    await one.apply([manifest('Part', 'x')], { owner });
    await two.apply([manifest('Part', 'x')], { owner });
    expect(lines(await one.apply('', { owner, prune: true }))).toEqual(['delete Part/x']);
    expect(await two.names()).toEqual(['x']);
    await one.apply([manifest('Part', 'x')], { owner });
    const principal = { type: 'user', id: 'owner', project: two.name } as const;
    expect(lines(await dais.apply('', { owner, prune: true }, { principal }))).toEqual(['delete Part/x']);
    expect(await one.names()).toEqual(['x']);
  });

  test('is rejected, also in a plan, while a resource outside of the set references one of them', async () => {
    const p = await freshProject(dais);
    const owner = `${p.name}-set`;
    await p.apply([manifest('Part', 'a'), manifest('Part', 'b')], { owner });
    await p.apply([manifest('Part', 'holder', { uses: ['a'] })]);
    for (const attempt of [p.plan, p.apply]) {
      const error = await errorOf(attempt([manifest('Part', 'b')], { owner, prune: true }));
      expect([error.code, error.holders]).toEqual(['still_referenced', ['Part/holder']]);
    }
    expect(await p.names()).toEqual(['a', 'b', 'holder']);
  });

  test('resources that the same apply releases can be pruned; resources that it references cannot', async () => {
    const p = await freshProject(dais);
    const owner = `${p.name}-set`;
    await p.apply([manifest('Part', 'a'), manifest('Part', 'b', { uses: ['a'] })], { owner });
    await p.apply([manifest('Part', 'outside')]);
    for (const attempt of [p.plan, p.apply]) {
      const outside = manifest('Part', 'outside', { uses: ['a'] });
      expect(await codeOf(attempt([manifest('Part', 'b'), outside], { owner, prune: true }))).toBe('still_referenced');
    }
    const expected = ['update Part/b spec.uses', 'delete Part/a'];
    expect(lines(await p.plan([manifest('Part', 'b')], { owner, prune: true }))).toEqual(expected);
    expect(lines(await p.apply([manifest('Part', 'b')], { owner, prune: true }))).toEqual(expected);
  });

  test('a resource that waits for its finalizer is not pruned again', async () => {
    const p = await freshProject(dais);
    const owner = `${p.name}-set`;
    await p.apply([manifest('Machine', 'm')], { owner });
    expect(lines(await p.apply('', { owner, prune: true }))).toEqual(['delete Machine/m']);
    expect(await p.plan('', { owner, prune: true })).toEqual([]);
    expect(await p.apply('', { owner, prune: true })).toEqual([]);
    expect(await codeOf(p.apply([manifest('Machine', 'm')], { owner }))).toBe('being_deleted');
  });
});

describe('plan', () => {
  test('changes nothing', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'a', { size: 1 })], { owner: `${p.name}-set` });
    const before = await test_.asAdmin(
      'select count(*) as events, (select max(version) from kernel.resource) as version from kernel.event',
    );
    await p.plan([manifest('Part', 'b'), manifest('Part', 'c', { code: 'x' })], {
      owner: `${p.name}-set`,
      prune: true,
    });
    expect(
      await test_.asAdmin(
        'select count(*) as events, (select max(version) from kernel.resource) as version from kernel.event',
      ),
    ).toEqual(before);
    expect(await p.names()).toEqual(['a']);
  });

  test('uses a project that the same documents create', async () => {
    const name = freshName();
    const documents = [
      manifest('Part', 'a', { uses: ['b'] }, { project: name }),
      manifest('Part', 'b', {}, { project: name }),
      manifest('Project', name),
    ];
    expect(lines(await dais.plan(documents))).toEqual([
      `create Project/${name}`,
      'create Part/a spec.uses',
      'create Part/b',
    ]);
    expect(await codeOf(dais.plan(documents.slice(0, 2)))).toBe('not_found');
  });

  test('includes errors of apply: quotas and projects that are not empty', async () => {
    const name = freshName();
    const owner = `${name}-set`;
    const project = (resources: number) => manifest('Project', name, { quotas: { resources } });
    const parts = (...all: string[]) => all.map((one) => manifest('Part', one, {}, { project: name }));
    const both = async (documents: object[], options: object = {}) => {
      const planned = await codeOf(dais.plan(documents, options));
      const applied = await codeOf(dais.apply(documents, options));
      return planned === applied ? planned : [planned, applied];
    };
    expect(await both([project(2), ...parts('a', 'b', 'c')])).toBe('quota_exceeded');
    expect(await both([project(2), ...parts('a', 'b')], { owner })).toBe('ok');
    expect(await both(parts('c'))).toBe('quota_exceeded');
    expect(await both([project(4), ...parts('c')])).toBe('ok');
    expect(await both([], { owner, prune: true })).toBe('still_referenced');
    expect(await both([], { owner: 'none', prune: true })).toBe('ok');
    expect(await both(parts('c'), { owner })).toBe('ok');
    expect(await both(parts('c'), { owner, prune: true })).toBe('still_referenced');
    const changed = manifest('Part', 'c', { size: 7 }, { project: name });
    expect(await both([changed], { owner, prune: true })).toBe('still_referenced');
    expect(await both(parts('d'), { owner, prune: true })).toBe('still_referenced');
    // A full project can change all of its resources in one request.
    const full = manifest('Project', name, { quotas: { resources: 3 } });
    expect(await both([full, ...parts('x', 'y', 'z')], { owner })).toBe('quota_exceeded');
    expect(await both([full, ...parts('x', 'y', 'z')], { owner, prune: true })).toBe('ok');
    expect(await both([], { owner, prune: true })).toBe('ok');
    expect(await namesIn(dais, 'project')).not.toContain(name);
  });

  test('a write-only field is planned as changed, without its value', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Part', 'a', { code: 'hunter1' })]);
    const changes = await p.plan([manifest('Part', 'a', { code: 'hunter2' })]);
    expect(lines(changes)).toEqual(['update Part/a spec.code']);
    expect(JSON.stringify(changes)).not.toContain('hunter');
  });

  // Sets of documents over few names, so that they meet: Parts that refer to each other and to Fleets.
  const names = ['a', 'b', 'c', 'd'];
  const partSpec = fc.record(
    {
      size: fc.integer({ min: 0, max: 3 }),
      home: fc.constantFrom('north', 'south'),
      uses: fc.subarray(names),
      fleet: fc.constantFrom('f1', 'f2'),
      extra: fc.dictionary(fc.constantFrom('k', 'l'), fc.constantFrom<unknown>(null, 1, 'x'), {
        noNullPrototype: true,
      }),
    },
    { requiredKeys: [] },
  );
  const documents = fc
    .record({
      parts: fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), spec: partSpec }), {
        selector: (one) => one.name,
      }),
      fleets: fc.subarray(['f1', 'f2']),
      machines: fc.subarray(['m']),
    })
    .map(({ parts, fleets, machines }) => [
      ...parts.map(({ name, spec }) => manifest('Part', name, spec)),
      ...fleets.map((name) => manifest('Fleet', name)),
      ...machines.map((name) => manifest('Machine', name, { cells: 1 })),
    ]);

  test(
    'reports exactly what apply does, or its error; afterwards there is no difference',
    { timeout: 60_000 + 1000 * RUNS },
    async () => {
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(documents, fc.boolean()), { minLength: 1, maxLength: 4 }), async (steps) => {
          const p = await freshProject(dais);
          round++;
          for (const [generic, prune] of steps) {
            // Fleets belong to the organization: each round has its own, and all are in one set.
            const own = JSON.parse(JSON.stringify(generic).replaceAll(/"f([12])"/g, `"f$1-${round}"`)) as object[];
            const inProject = own.map((one) =>
              (one as Resource).kind === 'Fleet'
                ? one
                : { ...one, metadata: { ...(one as Resource).metadata, project: p.name } },
            );
            const options = { owner: `set-${round}`, prune };
            const stated = ({ kind, name, project, action, fields, generation }: Change) => ({
              kind,
              name,
              project,
              action,
              fields,
              generation,
            });
            const settle = (work: Promise<Change[]>) =>
              work.then(
                (changes) => changes.map(stated),
                (error: unknown) => [(error as DaisError).code, (error as DaisError).issues],
              );
            const planned = await settle(dais.plan(inProject, options));
            const applied = await settle(dais.apply(inProject, options));
            expect(applied).toEqual(planned);
            if (Array.isArray(applied[1]) || typeof applied[0] === 'string') break;
            const again = await dais.plan(inProject, options);
            expect(again.filter((change) => change.action !== 'unchanged')).toEqual([]);
          }
        }),
        { numRuns: Math.ceil(RUNS / 2) },
      );
    },
  );
});
