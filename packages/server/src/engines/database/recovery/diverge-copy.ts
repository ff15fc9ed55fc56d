/** Makes a physical copy of a database an installation of its own, as an import does with its copy. */
import { Client } from 'pg';
import { clientConfig } from '../client-config.ts';
import type { ConnectionOptions, Slice } from '../contract.ts';
import { translate } from '../database-errors.ts';
import { OWNER_ROLE } from '../roles.ts';

/** Runs `afterImport` of all slices in one transaction. The schema must be of this version. */
export async function divergeCopy(connection: ConnectionOptions, slices: readonly Slice[]): Promise<void> {
  const client = new Client(clientConfig(connection, 'dais recover'));
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      `begin; set local role ${OWNER_ROLE}; set local dais.project = 'all'; set local search_path = pg_catalog`,
    );
    for (const { afterImport } of slices) if (afterImport !== undefined) await client.query(afterImport);
    await client.query('commit');
  } catch (error) {
    throw translate(error);
  } finally {
    // Ends an open transaction too.
    await client.end().catch(() => {});
  }
}
