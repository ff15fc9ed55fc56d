/** Decides whether a data folder that is not a node yet may join the installation. All joins pass here. */
import { DaisError } from '@dais/api';
import type { NodeRole } from '@dais/api/access';
import type { Sql } from '#engines/database/contract.ts';
import { REACHABLE_SECONDS } from './node-rows.ts';
import { useNodeToken, type UsedToken } from './node-tokens.ts';

/** How the configuration of a process tree lets it join. */
export interface JoinRules {
  /** `open`: who reaches the database may join. Also for a database that Dais runs itself, which only one process tree uses. */
  readonly join: 'token' | 'open';
  readonly token?: string | undefined;
}

export interface NodeCandidate {
  readonly host: string;
  readonly role: NodeRole;
  /** The data folder was a node of this installation, and its node was removed. */
  readonly isReturning: boolean;
}

/**
 * Admits a candidate in the transaction that registers it. Without a live node, nobody could issue a token: the first node of an
 * installation, and the one that starts it again, need none. Returns the token that was used; undefined: none was needed.
 * @throws DaisError `join_refused` with the command that creates a token.
 */
export async function admitNode(
  sql: Sql,
  { host, role, isReturning }: NodeCandidate,
  { join, token }: JoinRules,
): Promise<UsedToken | undefined> {
  if (join === 'open' || isReturning || !(await hasLiveNode(sql))) return undefined;
  const used = token === undefined ? { problem: 'it has no token' } : await useNodeToken(sql, token, role);
  if (!('problem' in used)) return used;
  throw new DaisError(
    'join_refused',
    `The data folder on ${host} is not a node of the installation in this database, and ${used.problem}. ` +
      `Create a token on a node that runs: \`dais admin create-node-token --role ${role}\`. ` +
      'Then start this node with the token in DAIS_NODE_JOIN_TOKEN. To admit every data folder that reaches the database, set `node.join: open`.',
  );
}

async function hasLiveNode(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ live: boolean }>(
    `select exists (select from nodes.node where not stopped
       and contacted_at >= clock_timestamp() - make_interval(secs => $1)) as live`,
    [REACHABLE_SECONDS],
    'has_live_node',
  );
  return row?.live === true;
}
