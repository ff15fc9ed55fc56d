import { Client } from 'pg';
import { clientConfig } from '../client-config.ts';
import { codeOf } from '../database-errors.ts';
import { SUPERUSER } from './cluster.ts';

/** `starting`: it responds but rejects connections, because it starts or stops. */
export type ServerState = 'ready' | 'starting' | 'unreachable';

/** Checks by connecting: the log is for operators. */
export async function serverState(address: { readonly host: string; readonly port: number }): Promise<ServerState> {
  if (!address.host.startsWith('/')) return 'unreachable';
  const client = new Client(clientConfig({ ...address, user: SUPERUSER, database: 'postgres' }, 'dais start'));
  client.on('error', () => {});
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    const code = codeOf(error);
    // 57P03 cannot_connect_now, 53300 too_many_connections: a server responds.
    if (code === '57P03') return 'starting';
    return code === '53300' ? 'ready' : 'unreachable';
  } finally {
    await client.end().catch(() => {});
  }
}
