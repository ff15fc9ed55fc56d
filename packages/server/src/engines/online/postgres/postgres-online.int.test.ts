import { randomUUID } from 'node:crypto';
import { startTestDatabase } from '#engines/database/testing.ts';
import { onlineStoreSuite } from '../suite.ts';
import { onlineSlice } from './online-slice.ts';
import { PostgresOnlineStore } from './postgres-online.ts';

onlineStoreSuite('postgres', async () => {
  const test = await startTestDatabase([onlineSlice]);
  return {
    store: new PostgresOnlineStore(test.database),
    other: new PostgresOnlineStore(test.open()),
    project: randomUUID(),
    end: async () => await test.stop(),
  };
});
