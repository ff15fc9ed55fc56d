/** The last reports of the gateways of all nodes in the database. */
import type { Sql } from '#engines/database/contract.ts';
import type { GatewayReport } from './gateway-view.ts';

/** `report` undefined: the gateway of the node does not run. */
export async function storeReport(sql: Sql, node: string, report: GatewayReport | undefined): Promise<void> {
  await sql.query(
    `insert into serving.gateway_report (node, report) values ($1, $2)
     on conflict (node) do update set report = excluded.report, updated_at = clock_timestamp()`,
    [node, report === undefined ? null : JSON.stringify(report)],
    'store_gateway_report',
  );
}

export async function readReports(sql: Sql, nodes: readonly string[]): Promise<ReadonlyMap<string, GatewayReport>> {
  const rows = await sql.query<{ node: string; report: GatewayReport | null }>(
    'select node, report from serving.gateway_report where node = any($1::uuid[])',
    [nodes],
    'read_gateway_reports',
  );
  return new Map(rows.flatMap(({ node, report }) => (report === null ? [] : [[node, report] as const])));
}

/** Deletes reports of nodes that have not written one for a day: live ones write more often. */
export async function dropOldReports(sql: Sql): Promise<void> {
  await sql.query(
    `delete from serving.gateway_report where updated_at < clock_timestamp() - interval '1 day'`,
    [],
    'old_gateway_reports',
  );
}
