import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { errorOf, freshProject, type TestProject } from './testing/test-project.ts';

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

const exists = async (p: TestProject, part: string) => (await codeOf(p.get(part))) === 'ok';

describe('a referenced resource must exist', () => {
  test.each<[string, object, string[]]>([
    ['a name', { uses: ['nowhere'] }, ['spec.uses[0]']],
    ['several', { uses: ['nowhere', 'here', 'none'], fleet: 'no' }, ['spec.fleet', 'spec.uses[0]', 'spec.uses[2]']],
    ['inside a union', { shape: { form: 'square', sides: [1, 1], like: 'nowhere' } }, ['spec.shape.like']],
  ])('%s', async (_name, spec, paths) => {
    const p = await freshProject(dais);
    await p.create('here');
    const error = await errorOf(p.create('a', spec));
    expect(error.code).toBe('reference_not_found');
    expect(error.issues?.map((issue) => issue.path!).toSorted()).toEqual(paths);
    expect(await exists(p, 'a')).toBe(false);
  });

  test('in the same project, or the organization for its kinds', async () => {
    const [one, two] = [await freshProject(dais), await freshProject(dais)];
    await one.create('a');
    expect(await codeOf(two.create('b', { uses: ['a'] }))).toBe('reference_not_found');
    await dais.apply([manifest('Fleet', `${one.name}-f`)]);
    expect(await codeOf(two.create('b', { fleet: `${one.name}-f` }))).toBe('ok');
  });

  test('nor a resource that is being deleted', async () => {
    const p = await freshProject(dais);
    await p.apply([manifest('Machine', 'm'), manifest('Part', 'a')]);
    await dais.write((tx) =>
      tx.sql.query(`update kernel.resource set finalizers = '{x}' where name = 'a' and kind = 'Part'`),
    );
    await p.remove('a');
    expect(await codeOf(p.create('b', { uses: ['a'] }))).toBe('reference_not_found');
    expect(await codeOf(p.update('a', { size: 5 }))).toBe('being_deleted');
  });
});

describe('a referenced resource cannot be deleted', () => {
  test('the holders are named, and released one by one', async () => {
    const p = await freshProject(dais);
    await p.apply([
      manifest('Part', 'a'),
      manifest('Part', 'b', { uses: ['a'] }),
      manifest('Machine', 'm', { part: 'a' }),
    ]);
    const error = await errorOf(p.remove('a'));
    expect(error.code).toBe('still_referenced');
    expect(error.holders).toEqual(['Machine/m', 'Part/b']);
    expect(error.message).toBe('Part "a" is used by Machine "m" (spec.part), Part "b" (spec.uses[0]).');
    await p.update('b', {});
    expect((await errorOf(p.remove('a'))).holders).toEqual(['Machine/m']);
    await p.apply([manifest('Machine', 'm')]);
    expect(await codeOf(p.remove('a'))).toBe('ok');
  });

  test('a fleet is held by parts of any project', async () => {
    const p = await freshProject(dais);
    await dais.apply([manifest('Fleet', `${p.name}-f`)]);
    await p.create('a', { fleet: `${p.name}-f` });
    const error = await errorOf(dais.call('fleet.delete', { name: `${p.name}-f` }));
    expect([error.code, error.holders]).toEqual(['still_referenced', ['Part/a']]);
    await p.remove('a');
    expect(await codeOf(dais.call('fleet.delete', { name: `${p.name}-f` }))).toBe('ok');
  });

  test('a resource that only refers to itself can be deleted', async () => {
    const p = await freshProject(dais);
    await p.create('a');
    await p.update('a', { uses: ['a'] });
    expect(await codeOf(p.remove('a'))).toBe('ok');
  });

  test('many holders are counted, not listed', async () => {
    const p = await freshProject(dais);
    await p.apply([
      manifest('Part', 'a'),
      ...Array.from({ length: 30 }, (_, n) => manifest('Part', `h${n}`, { uses: ['a'] })),
    ]);
    const error = await errorOf(p.remove('a'));
    expect(error.holders).toHaveLength(20);
    expect(error.message).toBe('Part "a" is used by more than 20 resources.');
  });

  test('a hundred references of one resource, each written once', async () => {
    const p = await freshProject(dais);
    const names = Array.from({ length: 100 }, (_, n) => `t${n}`);
    await p.apply([...names.map((name) => manifest('Part', name)), manifest('Part', 'a', { uses: names })]);
    await p.update('a', { uses: [...names].toReversed() });
    const rows =
      await test_.asAdmin(`select count(*)::int as n from kernel.reference r join kernel.resource f on f.uid = r.from_uid
      where f.name = 'a' and f.project_id = (select id from kernel.tenant where name = '${p.name}')`);
    expect(rows).toEqual([{ n: 100 }]);
  });
});

describe('races', () => {
  test('a deletion and a new reference: exactly one wins, every time', async () => {
    const p = await freshProject(dais);
    const outcomes = new Set<string>();
    for (let round = 0; round < 60; round++) {
      const target = `t${round}`;
      await p.create(target);
      const attempts = [p.remove(target), p.create(`h${round}`, { uses: [target] })];
      const [removed, created] = await Promise.all((round % 2 === 0 ? attempts : attempts.toReversed()).map(codeOf));
      const result = round % 2 === 0 ? [removed, created] : [created, removed];
      outcomes.add(result.join('/'));
      expect([await exists(p, target), await exists(p, `h${round}`)]).toEqual(
        result[0] === 'ok' ? [false, false] : [true, true],
      );
    }
    for (const outcome of outcomes) {
      expect(['ok/reference_not_found', 'still_referenced/ok']).toContain(outcome);
    }
  });

  test('the same with a target that has a finalizer', async () => {
    const p = await freshProject(dais);
    for (let round = 0; round < 30; round++) {
      const target = `t${round}`;
      await p.create(target);
      await dais.write((tx) => tx.sql.query(`update kernel.resource set finalizers = '{x}' where name = $1`, [target]));
      const result = await Promise.all([codeOf(p.remove(target)), codeOf(p.create(`h${round}`, { uses: [target] }))]);
      expect(['ok/reference_not_found', 'still_referenced/ok']).toContain(result.join('/'));
      const { metadata } = await dais.call('part.get', { name: target }, p.context);
      expect(metadata.deletionRequestedAt !== undefined).toBe(result[0] === 'ok');
    }
  });

  test('two that reference each other while both are deleted', async () => {
    const p = await freshProject(dais);
    for (let round = 0; round < 20; round++) {
      await p.apply([manifest('Part', 'x'), manifest('Part', 'y')]);
      const codes = await Promise.all([
        codeOf(p.update('x', { uses: ['y'] })),
        codeOf(p.update('y', { uses: ['x'] })),
        codeOf(p.remove('x')),
        codeOf(p.remove('y')),
      ]);
      const known = ['ok', 'not_found', 'reference_not_found', 'still_referenced', 'being_deleted'];
      expect(codes.filter((code) => !known.includes(code))).toEqual([]);
      const dangling = await test_.asAdmin(
        `select 1 from kernel.reference r left join kernel.resource t on t.uid = r.to_uid where t.uid is null`,
      );
      expect(dangling).toEqual([]);
      await p.apply([manifest('Part', 'x'), manifest('Part', 'y')]);
      await p.apply([], { owner: 'none', prune: true }).catch(() => {});
    }
  });

  test('the deletion of a project during a creation in it', async () => {
    for (let round = 0; round < 20; round++) {
      const p = await freshProject(dais);
      const [removed, created] = await Promise.all([
        codeOf(dais.call('project.delete', { name: p.name })),
        codeOf(p.create('a')),
      ]);
      expect(['ok/not_found', 'still_referenced/ok']).toContain(`${removed}/${created}`);
    }
  });

  test('a project that was deleted and re-created accepts new resources', async () => {
    const p = await freshProject(dais);
    await p.create('a');
    await p.remove('a');
    await dais.call('project.delete', { name: p.name });
    await dais.apply([manifest('Project', p.name)]);
    await expect.poll(() => codeOf(p.create('b'))).toBe('ok');
  });
});
