import { Client } from 'pg';
import { clientConfig } from '../client-config.ts';
import { codeOf } from '../database-errors.ts';
import { SUPERUSER } from './cluster.ts';

/** `starting`: it answers but takes no connections yet, or no more. */
export type ServerState = 'ready' | 'starting' | 'unreachable';

/** Asks by connecting: what the log says is for people. */
export async function serverState(address: { readonly host: string; readonly port: number }): Promise<ServerState> {
  if (!address.host.startsWith('/')) return 'unreachable';
  const client = new Client(clientConfig({ ...address, user: SUPERUSER, database: 'postgres' }, 'dais start'));
  client.on('error', () => {});
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    const code = codeOf(error);
    // 57P03 cannot_connect_now, 53300 too_many_connections: somebody is there.
    if (code === '57P03') return 'starting';
    return code === '53300' ? 'ready' : 'unreachable';
  } finally {
    await client.end().catch(() => {});
  }
}
