/** For tests of the whole: tens of thousands of runs, written as rows into the database of a Dais that runs. */
import { join } from 'node:path';
import { Client } from 'pg';
import { clientConfig } from '#engines/database/client-config.ts';
import { SUPERUSER } from '#engines/database/embedded/cluster.ts';
import { readPostmasterFile } from '#engines/database/embedded/postmaster-file.ts';

const KEYS = 8;

/**
 * `data`: the data folder; `experiment`: its number, not 0. Each run has eight metrics and eight parameters, derived
 * from its number: `metric_3`, `param_5`; `count` runs start a minute apart, the last of them in 2026.
 */
export async function fillRuns(data: string, experiment: string, count: number): Promise<void> {
  const server = await readPostmasterFile(join(data, 'postgres', 'cluster'));
  if (server === undefined) throw new Error(`no PostgreSQL runs in ${data}`);
  const location = { host: server.socketFolder, port: server.port, user: SUPERUSER, database: 'dais' };
  const client = new Client(clientConfig(location, 'dais test'));
  await client.connect();
  try {
    await client.query(
      `insert into tracking.run (project_id, id, experiment, name, user_name, status, started_at, ended_at)
       select e.project_id, md5(n::text), e.id, 'run-' || lpad(n::text, 5, '0'), 'ada', 'FINISHED',
         1767225600000 + n * 60000::bigint, 1767225600000 + n * 60000::bigint + 30000
       from tracking.experiment e, generate_series(1, $2::int) n where e.id = $1`,
      [experiment, count],
    );
    const logged = (columns: string) =>
      `select r.project_id, r.experiment, r.num, ${columns} from tracking.run r, generate_series(0, ${KEYS - 1}) k
       where r.experiment = $1`;
    await client.query(
      `insert into tracking.metric (project_id, experiment, run, key, value, step, ts, first_step, first_ts, n, tail_n)
       ${logged(`'metric_' || k, (r.num * (k + 7919) % 10007) / 10007.0::float8, 10, r.started_at, 10, r.started_at, 1, 0`)}`,
      [experiment],
    );
    await client.query(
      `insert into tracking.param (project_id, experiment, run, key, value)
       ${logged(`'param_' || k, (r.num % (k + 2))::text`)}`,
      [experiment],
    );
    await client.query('analyze');
  } finally {
    await client.end();
  }
}
