/** Machines that run steps, with their resources. */
import type { Sql } from '#engines/database/contract.ts';
import type { Amounts } from './requests.ts';

export interface ComputeNodeRow {
  readonly id: string;
  readonly name: string;
  readonly resources: Amounts;
  readonly concurrency: number;
}

/** Seconds after which a machine is ignored if its worker has not renewed its row. */
const GONE_AFTER = 120;
/** Limit of listed machines. */
const MOST_NODES = 100;

/** Renews the row of a machine; its worker calls this regularly. Deletes machines that have been gone for a day. */
export async function renewComputeNode(sql: Sql, { id, name, resources, concurrency }: ComputeNodeRow): Promise<void> {
  await sql.query(
    `with forgotten as (delete from executions.compute_node where seen_at < clock_timestamp() - interval '1 day')
     insert into executions.compute_node (id, name, resources, concurrency) values ($1, $2, $3::jsonb, $4)
     on conflict (id) do update set name = excluded.name, resources = excluded.resources,
       concurrency = excluded.concurrency, seen_at = clock_timestamp()`,
    [id, name, JSON.stringify(resources), concurrency],
    'compute_node_renew',
  );
}

/** A machine, or a target that has no fixed capacity of its own. */
export interface ComputePlace extends ComputeNodeRow {
  readonly type: 'machine' | 'target';
}

/** Query of the active machines. */
export const NODES = `select id, name, resources, concurrency from executions.compute_node
     where seen_at > clock_timestamp() - interval '${GONE_AFTER} seconds' order by name, id limit ${MOST_NODES}`;

export async function readComputeNodes(sql: Sql): Promise<readonly ComputeNodeRow[]> {
  return await sql.query<ComputeNodeRow>(NODES, [], 'compute_nodes');
}

/** Returns the total resources of the machines. */
export function totalOf(nodes: readonly Pick<ComputeNodeRow, 'resources'>[]): Amounts {
  const total: Record<string, number> = {};
  for (const { resources } of nodes) {
    for (const [name, amount] of Object.entries(resources)) total[name] = (total[name] ?? 0) + amount;
  }
  return total;
}
