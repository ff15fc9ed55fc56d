import { defineOperation, type Resource } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestDatabase } from '#engines/database/testing.ts';
import { entry, type OperationEntry } from './entry.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { errorOf, freshProject as makeProject } from './testing/test-project.ts';

let test_: TestDatabase;
let dais: TestKernel;

/** A handler without a tenant condition. */
const careless: OperationEntry = entry(
  defineOperation({
    name: 'careless.read',
    action: 'careless:read',
    mode: 'read',
    scope: 'project',
    summary: 'Reads too much.',
    input: z.strictObject({ sql: z.string() }),
    output: z.array(z.unknown()),
    target: () => ({ kind: 'Careless' }),
    http: { method: 'POST', path: '/api/v1/careless', status: 200 },
  }),
  async (tx, call) => await tx.sql.query(call.input.sql),
);

/** The same, allowed to write. */
const carelessWrite: OperationEntry = {
  ...careless,
  operation: { ...careless.operation, name: 'careless.write', mode: 'write' },
};

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { start: 'none', entries: [careless, carelessWrite] });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

async function freshProject(spec: object = {}) {
  const p = await makeProject(dais, spec);
  return {
    ...p,
    count: async () => (await p.names()).length,
    careless: (sql: string) => dais.call<{ [column: string]: unknown }[]>('careless.read', { sql }, p.context),
    carelessWrite: (sql: string) => dais.call<unknown[]>('careless.write', { sql }, p.context),
  };
}

describe('row security', () => {
  test('a handler that forgets its predicate sees only the project of the request', async () => {
    const [one, two] = [await freshProject(), await freshProject()];
    await one.create('mine');
    await two.create('theirs');
    expect(await one.careless('select name from kernel.resource')).toEqual([{ name: 'mine' }]);
    expect(await two.careless('select name from kernel.resource')).toEqual([{ name: 'theirs' }]);
    expect(await one.careless('select distinct subject_name from kernel.event')).toEqual([{ subject_name: 'mine' }]);
  });

  test('every table with a project is isolated by it', async () => {
    const tables = await test_.asAdmin(
      `select c.oid::regclass::text as name, c.relrowsecurity and c.relforcerowsecurity as protected
       from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'project_id' and not a.attisdropped
       where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'kernel'::regnamespace order by 1`,
    );
    expect(tables.filter((table) => table['protected'] !== true)).toEqual([]);
    expect(tables.map((table) => table['name'])).toEqual(
      expect.arrayContaining([
        'kernel.resource',
        'kernel.revision',
        'kernel.event',
        'kernel.job',
        'kernel.idempotency',
      ]),
    );
  });

  test('nor can it write past its project, or reach a partition behind the parent’s back', async () => {
    const [one, two] = [await freshProject(), await freshProject()];
    await one.create('a');
    await two.create('a');
    expect(await one.carelessWrite(`update kernel.resource set name = 'b' where name = 'a' returning name`)).toEqual([
      { name: 'b' },
    ]);
    expect(await two.careless('select name from kernel.resource')).toEqual([{ name: 'a' }]);
    const insert = `insert into kernel.resource select gen_random_uuid(), (select id from kernel.tenant where name = '${two.name}'),
      kind, 'c', api_version, origin, owner, generation, version, labels, annotations, spec, status from kernel.resource limit 1`;
    expect(await codeOf(one.carelessWrite(insert))).toBe('42501');
    const partitions = await test_.asAdmin(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'kernel.event'::regclass`,
    );
    expect(partitions.length).toBeGreaterThan(2);
    for (const { name } of partitions) {
      const seen = await one
        .careless(`select count(*)::int as n from ${String(name)} where subject_name = 'a'`)
        .catch((error: { code: string }) => error.code);
      expect(seen === '42501' || (Array.isArray(seen) && (seen[0]?.['n'] as number) <= 1)).toBe(true);
    }
  });

  test('a reading operation cannot write', async () => {
    const p = await freshProject();
    await p.create('a');
    expect(await codeOf(p.careless(`update kernel.resource set name = 'b'`))).toBe('25006');
  });

  test('the role of the program owns no objects and cannot disable row security', async () => {
    const p = await freshProject();
    for (const sql of [
      'alter table kernel.resource disable row level security',
      'drop table kernel.job',
      'truncate kernel.event',
      'create table kernel.x (a int)',
    ]) {
      expect(['42501', '25006']).toContain(await codeOf(p.carelessWrite(sql)));
    }
  });
});

describe('quotas', () => {
  test('hold under concurrency', async () => {
    const p = await freshProject({ quotas: { resources: 5 } });
    const codes = await Promise.all(Array.from({ length: 12 }, (_, n) => codeOf(p.create(`a${n}`))));
    expect(codes.filter((code) => code === 'ok')).toHaveLength(5);
    expect(codes.filter((code) => code === 'quota_exceeded')).toHaveLength(7);
    expect(await p.count()).toBe(5);
  });

  test('count existing resources: a deletion frees quota, a higher limit too, and a lower limit keeps existing ones', async () => {
    const p = await freshProject({ quotas: { resources: 2 } });
    await p.create('a');
    await p.create('b');
    expect(await codeOf(p.create('c'))).toBe('quota_exceeded');
    await p.remove('a');
    expect(await codeOf(p.create('c'))).toBe('ok');
    await dais.apply([manifest('Project', p.name, { quotas: { resources: 1 } })]);
    expect(await p.count()).toBe(2);
    expect(await codeOf(p.create('d'))).toBe('quota_exceeded');
    expect(await codeOf(dais.apply([manifest('Part', 'b', { size: 4 })], {}, p.context))).toBe('ok');
    await dais.apply([manifest('Project', p.name)]);
    expect(await codeOf(p.create('d'))).toBe('ok');
  });

  test('zero allows no resource', async () => {
    const p = await freshProject({ quotas: { resources: 0 } });
    const error = await errorOf(p.create('a'));
    expect(error.message).toBe(`The resource quota of project "${p.name}" is 0, but this change requires 1.`);
  });
});

describe('projects', () => {
  test('a project that is not empty names its content and stays', async () => {
    const p = await freshProject();
    await p.create('a');
    const error = await errorOf(dais.call('project.delete', { name: p.name }));
    expect([error.code, error.holders]).toEqual(['still_referenced', ['Part/a']]);
    await p.remove('a');
    expect(await codeOf(dais.call('project.delete', { name: p.name }))).toBe('ok');
    expect(await codeOf(dais.call('part.list', {}, { projects: [p.name] }))).toMatch(/^(ok|not_found)$/);
  });

  test('default always exists and cannot go', async () => {
    expect(await codeOf(dais.call('project.delete', { name: 'default' }))).toBe('invalid_state');
    expect(await codeOf(dais.call('part.list', {}))).toBe('ok');
    const second = await startTestKernel(test_, { start: 'none' });
    await second.stop();
    const { items } = await dais.call<{ items: Resource[] }>('project.list', {});
    expect(items.filter((item) => item.metadata.name === 'default')).toHaveLength(1);
  });

  test('the token’s project is the request’s, and no other', async () => {
    const [one, two] = [await freshProject(), await freshProject()];
    await one.create('a');
    const principal = { type: 'user', id: 'owner', project: one.name } as const;
    const list = await dais.call<{ items: Resource[] }>('part.list', {}, { principal });
    expect(list.items.map((item) => item.metadata.project)).toEqual([one.name]);
    expect(await codeOf(dais.call('part.list', {}, { principal, projects: [two.name] }))).toBe('project_mismatch');
    expect(await codeOf(dais.call('part.list', {}, { principal, projects: [one.name, one.name] }))).toBe('ok');
  });
});
