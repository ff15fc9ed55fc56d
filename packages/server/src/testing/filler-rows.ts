import type { TestDatabase } from '#engines/database/testing.ts';

/** Values that the constraints of a table require, by column. */
const FITTING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'audit.entry': { outcome: `'succeeded'` },
  'audit.archive': { to_seq: '2' },
  'kernel.blob_damage': { kind: `'missing'` },
};

const BY_TYPE: Readonly<Record<string, string>> = {
  uuid: `'00000000-0000-7000-8000-000000000001'`,
  bytea: `sha256('x')`,
  text: `'text'`,
  timestamptz: `'2026-01-02T03:04:05.678Z'`,
  bool: 'true',
  int2: '1',
  int4: '1',
  int8: '1',
  float4: '0.5',
  float8: '1.5',
  numeric: '1.5',
  json: `'{}'`,
  jsonb: `'{}'`,
  _uuid: `'{00000000-0000-7000-8000-000000000001}'`,
  _bool: `'{true}'`,
  _text: `'{text}'`,
  _int8: `'{1}'`,
  _bytea: `array[sha256('x')]`,
};

/**
 * One row for each of these tables, of values of the columns' types: a later migration must carry rows over whatever
 * wrote them, and a ledger has more tables than a script should have uses of the product. What rows mean together is
 * the matter of the ledgers' own tests.
 */
export async function fillTables(database: TestDatabase, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    const columns = await database.asAdmin(
      `select attname as name, typname as type from pg_attribute a join pg_type t on t.oid = a.atttypid
       where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    );
    const values = columns.map(({ name, type }) => {
      const value = FITTING[table]?.[String(name)] ?? BY_TYPE[String(type)];
      if (value === undefined) throw new Error(`no value for ${table}.${String(name)} of type ${String(type)}`);
      return value;
    });
    const names = columns.map(({ name }) => `"${String(name)}"`);
    // Replicas check no foreign keys: the uuid is the same everywhere, so that all of them hold in the end.
    await database.asAdmin(
      `set session_replication_role = replica; insert into ${table} (${names.join(', ')}) overriding system value values (${values.join(', ')});
       reset session_replication_role`,
    );
  }
}
