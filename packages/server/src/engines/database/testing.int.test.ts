import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { start } from '#lib/process.ts';
import type { Slice } from './contract.ts';
import { startTestDatabase } from './testing.ts';

const slice: Slice = {
  schema: 'pets',
  migrations: [
    { id: '0001-pets', sql: 'create table pets.pet (id int); grant select, insert on pets.pet to dais_app' },
  ],
};
const WRITE = { mode: 'write', scope: 'all' } as const;

test('each database is migrated, empty and separate', async () => {
  const [one, two] = await Promise.all([startTestDatabase([slice]), startTestDatabase([slice])]);
  await one.database.statement(WRITE, 'insert into pets.pet values (1)');
  expect(await one.database.statement(WRITE, 'select * from pets.pet')).toEqual([{ id: 1 }]);
  expect(await two.database.statement(WRITE, 'select * from pets.pet')).toEqual([]);
  const folders = [one, two].map((server) => server.connection.host);
  await Promise.all([one.stop(), two.stop()]);
  expect(folders.map((folder) => existsSync(folder))).toEqual([false, false]);
});

test.runIf(process.platform === 'linux')('leaves nothing when the test process is killed', async () => {
  const program = `
    import { startTestDatabase } from ${JSON.stringify(path.join(import.meta.dirname, 'testing.ts'))};
    const server = await startTestDatabase([]);
    process.stdout.write(JSON.stringify(server.connection) + '\\n');
    setInterval(() => {}, 60_000);`;
  const args = ['--conditions=dais-source', '--import=tsx', '--input-type=module', '--eval', program];
  const child = start(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
  const { host } = JSON.parse(line) as { host: string };
  expect(existsSync(host)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => existsSync(host)).toBe(false);
});
