import type { Event } from '@dais/api';
import type { DataFinding, FeatureBuild } from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { startPrivacyWorld, type PrivacyProject, type PrivacyWorld } from './testing/privacy-world.ts';

let world: PrivacyWorld;
beforeAll(async () => {
  world = await startPrivacyWorld();
});
afterAll(async () => await world.stop());

const PEOPLE = ['ada@example.com', 'grace@example.org', 'alan@example.net', 'edsger@example.nl'];
const CSV = [
  'id,email,visits,note',
  ...Array.from({ length: 40 }, (_, at) => `${at},${PEOPLE[at % 4]},${at * 37},nothing to see`),
].join('\n');

interface Rows {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

const head = async (project: PrivacyProject, name: string, as = {}) =>
  await project.call<Rows>('datasetVersion.head', { name, version: 'latest', limit: 40 }, as);
const column = ({ columns, rows }: Rows, name: string) => {
  const at = columns.findIndex((one) => one.name === name);
  return rows.map((row) => row[at]);
};

describe('findings', () => {
  test('scans a new version; users resolve, waive and reopen findings, each with an event', async () => {
    const project = await world.project();
    const name = await project.dataset();
    await project.push(name, CSV);
    const [found, ...others] = await project.findings(name);
    expect(others).toEqual([]);
    expect(found).toMatchObject({
      column: 'email',
      entity: 'EMAIL_ADDRESS',
      state: 'open',
      share: 1,
      evidence: 'both',
    });
    expect(found?.example).toBe('xxx@xxxxxxx.xxx');
    const finding = found?.id ?? '';
    const editor = await project.member('editor');
    const waived = await project.call<DataFinding>(
      'datasetFinding.waive',
      { name, finding, reason: 'made up for a demo', days: 30 },
      editor,
    );
    expect(waived).toMatchObject({
      state: 'waived',
      reason: 'made up for a demo',
      decidedBy: { id: editor.principal?.id },
    });
    expect(waived.expiresAt).toBeGreaterThan(waived.foundAt);
    await project.call('datasetFinding.reopen', { name, finding, reason: 'it was not' }, editor);
    expect(await errorOf(project.call('datasetFinding.reopen', { name, finding }))).toMatchObject({
      code: 'invalid_state',
    });
    const resolved = await project.call<DataFinding>(
      'datasetFinding.resolve',
      { name, finding, mask: 'pseudonym' },
      editor,
    );
    expect(resolved).toMatchObject({ state: 'resolved', mask: 'pseudonym' });
    const shown = async () => {
      const input = { kind: 'Dataset', name, limit: 1000 };
      const { items } = await project.call<{ items: Event[] }>('event.list', input);
      expect(JSON.stringify(items)).not.toContain('ada@example.com');
      return items
        .map(({ type }) => type)
        .filter((type) => type.startsWith('dataset.finding'))
        .toSorted();
    };
    await expect
      .poll(shown)
      .toEqual([
        'dataset.finding.opened',
        'dataset.finding.reopened',
        'dataset.finding.resolved',
        'dataset.finding.waived',
      ]);
    // A decision remains in the next version.
    await project.push(name, `${CSV}\n99,new@example.com,1,x`);
    expect(await project.findings(name)).toMatchObject([{ id: finding, state: 'resolved', lastVersion: 2 }]);
    await project.push(name, CSV.replaceAll('@', ' at '));
    expect((await project.findings(name)).map(({ state }) => state)).toEqual(['resolved']);
  });

  test('a finding that a version no longer contains is gone, and can return', async () => {
    const project = await world.project();
    const name = await project.dataset();
    await project.push(name, CSV);
    await project.push(name, CSV.replaceAll('@', ' at '));
    expect(await project.findings(name)).toMatchObject([{ state: 'gone', lastVersion: 1 }]);
    expect(await project.findings(name, 'open')).toEqual([]);
    await project.push(name, `${CSV}\n7,x@example.com,1,x`);
    expect(await project.findings(name)).toMatchObject([{ state: 'open', lastVersion: 3 }]);
  });

  test('roles: a viewer sees and decides nothing; pagination', async () => {
    const project = await world.project();
    const name = await project.dataset();
    await project.push(name, 'email,ip,first_name\nada@example.com,192.0.2.7,Ada\nbob@example.com,192.0.2.8,Bob');
    const viewer = await project.member('viewer');
    const seen: string[] = [];
    for (let cursor: string | undefined, more = true; more;) {
      const page: { items: DataFinding[]; nextCursor?: string } = await project.call(
        'datasetFinding.listAll',
        { limit: 1, ...(cursor !== undefined && { cursor }) },
        viewer,
      );
      seen.push(...page.items.map(({ entity }) => entity));
      cursor = page.nextCursor;
      more = cursor !== undefined;
    }
    expect(seen.toSorted()).toEqual(['EMAIL_ADDRESS', 'IP_ADDRESS', 'PERSON']);
    const [finding] = await project.findings(name);
    const input = { name, finding: finding?.id, reason: 'x' };
    expect(await errorOf(project.call('datasetFinding.waive', input, viewer))).toMatchObject({ code: 'forbidden' });
    expect(await errorOf(project.call('pseudonymKey.rotate', {}, await project.member('editor')))).toMatchObject({
      code: 'forbidden',
    });
  });

  test('policies can use the number of open findings', async () => {
    const project = await world.project();
    const name = await project.dataset();
    await project.push(name, CSV);
    const cedar = `@id("decided-first")
      forbid (principal, action == Dais::Action::"dataset:unmask", resource is Dais::Dataset)
      when { resource.facts has openPiiFindings && resource.facts.openPiiFindings > 0 };`;
    await project.call('policy.create', { manifest: manifest('Policy', 'decided-first', { cedar }) });
    const misspelt = {
      'resource has openPiiFindings': 'resource.facts has openPiiFindings',
      'resource.facts has openPiiFinding': 'resource.facts has openPiiFindings',
      'resource has facts.piiScaned': 'resource.facts has piiScanned',
    };
    for (const [requested, nearest] of Object.entries(misspelt)) {
      const wrong = `@id("never") forbid (principal, action == Dais::Action::"dataset:unmask", resource is Dais::Dataset)
        when { ${requested} };`;
      const refused = await errorOf(
        project.call('policy.create', { manifest: manifest('Policy', 'never', { cedar: wrong }) }),
      );
      expect(refused).toMatchObject({ code: 'invalid_manifest', issues: [{ path: 'spec.cedar', nearest }] });
    }
    const admin = await project.member('admin');
    expect(column(await head(project, name, admin), 'email')[0]).toBeNull();
    const [finding] = await project.findings(name);
    await project.call('datasetFinding.resolve', { name, finding: finding?.id });
    expect(column(await head(project, name, admin), 'email')[0]).toBe('ada@example.com');
  });
});

describe('masks', () => {
  test('masks declared and found columns for users without permission to unmask, by each method', async () => {
    const project = await world.project();
    const methods = ['redact', 'hash', 'pseudonym', 'generalize'] as const;
    const name = await project.dataset({
      sensitive: methods.map((mask) => ({ column: mask, category: 'email', mask })),
    });
    const values = [...PEOPLE, ''];
    await project.push(
      name,
      [
        'id,redact,hash,pseudonym,generalize',
        ...values.map((value, at) => [at, ...methods.map(() => value)].join(',')),
      ].join('\n'),
    );
    const viewer = await project.member('viewer');
    const admin = await project.member('admin');
    expect(column(await head(project, name, admin), 'hash')).toEqual([...PEOPLE, null]);
    const masked = await head(project, name, viewer);
    expect(column(masked, 'redact')).toEqual([null, null, null, null, null]);
    expect(column(masked, 'generalize')).toEqual([
      '…@example.com',
      '…@example.org',
      '…@example.net',
      '…@example.nl',
      null,
    ]);
    for (const method of ['hash', 'pseudonym'] as const) {
      const pseudonyms = column(masked, method);
      expect(new Set(pseudonyms).size).toBe(5);
      expect(pseudonyms[4]).toBeNull();
      for (const value of pseudonyms.slice(0, 4)) expect(value).toMatch(/^[kd]\d+_[\da-f]{32}$/);
    }
    // A pseudonym joins datasets of a project, a hash does not.
    const other = await project.dataset({
      sensitive: [
        { column: 'hash', category: 'email', mask: 'hash' },
        { column: 'pseudonym', category: 'email', mask: 'pseudonym' },
      ],
    });
    await project.push(other, `id,hash,pseudonym\n1,${PEOPLE[0]},${PEOPLE[0]}`);
    const existing = await head(project, other, viewer);
    expect(column(existing, 'pseudonym')[0]).toBe(column(masked, 'pseudonym')[0]);
    expect(column(existing, 'hash')[0]).not.toBe(column(masked, 'hash')[0]);
  });

  test('rotation changes pseudonyms, destruction prevents linking', async () => {
    const project = await world.project();
    const name = await project.dataset({ sensitive: [{ column: 'email', category: 'email', mask: 'pseudonym' }] });
    await project.push(name, CSV);
    const viewer = await project.member('viewer');
    const before = column(await head(project, name, viewer), 'email')[0];
    expect(before).toMatch(/^k1_/);
    await project.call('pseudonymKey.rotate', {});
    const after = column(await head(project, name, viewer), 'email')[0];
    expect(after).toMatch(/^k2_/);
    await project.call('pseudonymKey.destroy', { key: 'k2', reason: 'erasure request' });
    expect(column(await head(project, name, viewer), 'email')[0]).toMatch(/^k3_/);
    const { items } = await project.call<{ items: { id: string; state: string }[] }>('pseudonymKey.list', {});
    expect(items.map(({ id, state }) => `${id} ${state}`)).toEqual(['k3 current', 'k2 destroyed', 'k1 retired']);
    const rows = await world.db.asAdmin(
      `select number from privacy.pseudonym_key where wrapped is null or ciphertext is null`,
    );
    expect(JSON.stringify(rows)).toContain('2');
  });
});

describe('no bypass', () => {
  let project: PrivacyProject;
  let name: string;
  let viewer: Awaited<ReturnType<PrivacyProject['member']>>;
  beforeAll(async () => {
    project = await world.project();
    name = await project.dataset({
      keys: ['id'],
      sensitive: [
        { column: 'email', category: 'email', mask: 'pseudonym' },
        { column: 'visits', category: 'health' },
      ],
    });
    await project.push(name, CSV);
    await project.push(name, `${CSV}\n77,eve@example.com,5,new`);
    viewer = await project.member('viewer');
  });

  /** Checks that a response or an error contains neither values nor the key. */
  const leaks = (answer: unknown) =>
    /example\.(com|org|net|nl)|(?:^|[^\d])(?:1443|1406|1369)(?:[^\d]|$)|hmac|opad/i.test(
      answer instanceof Error ? JSON.stringify([answer.message, answer]) : JSON.stringify(answer),
    );

  test.each([
    'select * from T',
    'select email, visits from T order by email',
    "select * from T where email like '%@%'",
    "select count(*) from T where email = 'ada@example.com'",
    'select max(visits), min(email) from T',
    'select cast(email as int) from T',
    'select error(email) from T',
    'select t.* from (select * from T) t join T u using (id)',
    'with T as (select * from T) select * from T',
    'select (select email from T limit 1)',
    'select * from T where id in (select visits from T)',
    'select list(email), string_agg(email), histogram(visits) from T',
    'select to_json(t) from T t',
    'select columns(*) from T',
    'select * from T using sample 10',
    'summarize T',
    'describe T',
    'pivot T on email using count(*)',
    "select * from read_parquet('/etc/passwd')",
    "select * from parquet_scan('*')",
    "select * from glob('/**')",
    'select * from duckdb_views()',
    'select sql from duckdb_tables()',
    'select * from information_schema.columns',
    'select * from pg_catalog.pg_views',
    'select * from sqlite_master',
    "select getenv('HOME')",
    "select current_setting('temp_directory')",
    'select * from dataset_0',
    'select * from main.dataset_0',
    'explain select * from T',
    'select * from T; select * from dataset_0',
    "copy T to '/tmp/x'",
    "attach '/tmp/x' as y",
    'pragma table_info(T)',
    'set enable_external_access = true',
    'create table x as select * from T',
    'install httpfs',
    'call pragma_version()',
    "select * from query('select * from dataset_0')",
    "select * from query_table('dataset_0')",
    'execute x',
  ])('%s', async (sql) => {
    const answer = await project
      .call('data.query', { sql: sql.replaceAll(/\bT\b/g, 'it'), tables: { it: name }, limit: 100 }, viewer)
      .catch((error: unknown) => error);
    expect(leaks(answer)).toBe(false);
  });

  test('rows, diffs and exports', async () => {
    const at = { name, version: 'latest' };
    expect(leaks(await head(project, name, viewer))).toBe(false);
    expect(leaks(await project.call('datasetVersion.diff', { ...at, samples: 50 }, viewer))).toBe(false);
    // Users with permission to unmask see the values, so the query itself works.
    expect(leaks(await head(project, name))).toBe(true);
    const ways = [
      ['datasetVersion.readFile', { ...at, file: 'part-00000.parquet' }],
      ['datasetVersion.export', { ...at, format: 'csv' }],
      ['datasetVersion.export', { ...at, format: 'parquet' }],
    ] as const;
    for (const [operation, input] of ways) {
      const answer = await project.call(operation, input, viewer).catch((error: unknown) => error);
      expect([operation, leaks(await textOf(answer))]).toEqual([operation, false]);
    }
  });
});

describe('features', () => {
  test('a view and a training set do not reveal masked columns of the dataset', async () => {
    const project = await world.project();
    const sensitive = [{ column: 'visits', category: 'health' }];
    const name = await project.dataset({ keys: ['id'], sensitive });
    await project.push(name, CSV.replace('note', 'seen').replaceAll('nothing to see', '2026-01-01T00:00:00Z'));
    const make = async (kind: string, operation: string, called: string, spec: object) =>
      await project.call(`${operation}.create`, { manifest: manifest(kind, called, spec) });
    await make('Entity', 'entity', 'person', { joinKey: 'id', type: 'int64' });
    const view = { entities: ['person'], eventTime: 'seen', features: [{ name: 'visits', type: 'int64' }] };
    await make('FeatureView', 'featureView', 'plain', { ...view, source: { type: 'dataset', dataset: name } });
    // Renamed in SQL.
    const sql = `select id, seen, visits + 0 as calls from "${name}"`;
    await make('FeatureView', 'featureView', 'worked', {
      ...view,
      source: { type: 'sql', datasets: [name], sql },
      features: [{ name: 'calls', type: 'int64' }],
    });
    const people = [await project.member('viewer'), await project.member('editor')];
    const rows = { id: [1, 2], event_timestamp: ['2026-02-01T00:00:00Z', '2026-02-01T00:00:00Z'] };
    for (const feature of ['plain:visits', 'worked:calls']) {
      const requested = { features: [feature] };
      const ways = [
        ['features.history', { ...requested, entities: rows }],
        ['features.history', requested],
        ['features.read', { ...requested, entities: { id: [1] } }],
        ['features.check', requested],
      ] as const;
      for (const [operation, input] of ways) {
        for (const who of people) {
          const refused = await errorOf(project.call(operation, input, who));
          expect([operation, refused.code, refused.message]).toEqual([
            operation,
            'forbidden',
            expect.stringContaining(`Dataset "${name}"`),
          ]);
        }
      }
      expect(await project.call('features.history', { ...requested, entities: rows })).toMatchObject({ count: 2 });
      const to = `set-of-${feature.replace(':', '-')}`;
      const { id } = await project.call<FeatureBuild>('features.build', { ...requested, to }, people[1]);
      const build = async () => await project.call<FeatureBuild>('featureBuild.get', { id });
      await expect.poll(async () => (await build()).state).toBe('succeeded');
      const [, called = ''] = feature.split(':');
      expect(column(await head(project, to), called)).toContain(37);
      expect(new Set(column(await head(project, to, people[0]), called))).toEqual(new Set([null]));
    }
  });
});

/** Returns the bytes of a response with a body. */
async function textOf(answer: unknown): Promise<unknown> {
  const found = Object.values(answer ?? {}).find(
    (value): value is AsyncIterable<Uint8Array> =>
      typeof value === 'object' && value !== null && Symbol.asyncIterator in value,
  );
  if (found === undefined) return answer;
  const parts: Uint8Array[] = [];
  for await (const part of found) parts.push(part);
  return Buffer.concat(parts).toString('latin1');
}
