/** Opens the database, migrated to this version, and the content that belongs to it. */
import type { Database, Slice } from '#engines/database/contract.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { Log } from '#lib/log.ts';
import { loadContent, type StoredContent } from '#compose/content.ts';
import { loadSlices } from '#compose.ts';
import { openDatabase } from '#compose/database.ts';
import type { ControlSetup } from './control-setup.ts';
import { migrateWithBackup } from '#backup/migration-backup.ts';
import type { ControlEngines } from './open-engines.ts';
import type { PhaseTimer } from './phase-timer.ts';

export interface Storage {
  readonly slices: readonly Slice[];
  readonly database: Database;
  readonly stored: StoredContent;
}

/** @throws DaisError if the database cannot be used. */
export async function openStorage(
  setup: ControlSetup,
  { clock, store }: ControlEngines,
  { kinds, log, timed }: { readonly kinds: readonly KindDefinition[]; readonly log: Log; readonly timed: PhaseTimer },
): Promise<Storage> {
  const { config } = setup;
  const slices = await loadSlices(kinds);
  await timed('schema', async () => await migrateWithBackup(setup, { slices, clock, log }));
  const database = await openDatabase(setup.connection, {
    poolSize: config.database.poolSize,
    applicationName: `dais ${config.role}`,
  });
  const recoveryDays = config.database.archive?.days ?? 0;
  const stored = await loadContent({ store, database, clock, log, config: config.content, recoveryDays });
  return { slices, database, stored };
}
