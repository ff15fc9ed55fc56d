import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Execution, ExecutionLog } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '../testing/executions-world.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld();
});
afterAll(async () => {
  await world.stop();
});

const PATIENCE = { timeout: 60_000, interval: 30 };
const CHANNEL_ROWS = 'select id from executions.log_request';

/** Starts a step on another compute node that prints `script`, waits until the returned function is called, and prints "end". */
async function runElsewhere(script: string): Promise<{ run: Execution; go: () => Promise<void> }> {
  const go = `/dev/shm/dais-go-${randomUUID()}`;
  const wait = `while ! test -e ${go}; do sleep 0.05; done; rm ${go}; echo end`;
  const run = await world.submit({
    steps: { main: { command: ['sh', '-c', `${script}; ${wait}`], isolation: 'none' } },
  });
  return { run, go: async () => await writeFile(go, '') };
}

const read = async ({ id }: Execution, cursor?: string) =>
  await world.dais.call<ExecutionLog>('execution.logs', { id, ...(cursor && { cursor }) });

test('the log of a step that runs on another compute node can be read and continued, also after its end', async () => {
  const other = await world.worker({ place: () => 'another machine' });
  const { run, go } = await runElsewhere('echo ä one; head -c 600000 /dev/zero | tr "\\0" x; echo; echo two');
  let text = '';
  let cursor: string | undefined;
  const more = async () => {
    const log = await read(run, cursor);
    text += log.text;
    ({ cursor } = log);
    return log.ended;
  };
  await expect.poll(async () => (await more(), text.includes('two\n')), PATIENCE).toBe(true);
  expect(text).toMatch(/^ä one\nx{600000}\ntwo\n$/);
  await go();
  await world.ended(run);
  await expect.poll(more, PATIENCE).toBe(true);
  expect(text.slice(-8)).toBe('two\nend\n');
  expect(await world.db.asAdmin(CHANNEL_ROWS)).toEqual([]);
  await other.stop();
});

test('a position that the engine of the other compute node rejects is an error of the caller', async () => {
  const other = await world.worker({ place: () => 'another machine' });
  const { run, go } = await runElsewhere('echo one');
  await expect.poll(async () => (await read(run)).text, PATIENCE).toBe('one\n');
  const { cursor } = await read(run);
  const [attempt = ''] = cursor.split('.');
  expect(await codeOf(read(run, `${attempt}.4..nowhere`))).toBe('invalid_request');
  expect(await world.db.asAdmin(CHANNEL_ROWS)).toEqual([]);
  await go();
  await world.ended(run);
  await other.stop();
});

test('without a response of the other compute node, the log is empty and continues later', async () => {
  const other = await world.worker({ place: () => 'another machine' });
  const { run, go } = await runElsewhere('echo one');
  await expect.poll(async () => (await read(run)).text, PATIENCE).toBe('one\n');
  await other.stop();
  const log = await read(run);
  expect(log).toMatchObject({ text: '', ended: false });
  expect(await world.db.asAdmin(CHANNEL_ROWS)).toEqual([]);
  const again = await world.worker({ place: () => 'another machine' });
  expect((await read(run, log.cursor)).text).toBe('one\n');
  await go();
  await world.ended(run);
  await again.stop();
});

test('requests of readers that have gone are removed', async () => {
  await world.db.asAdmin(`insert into executions.log_request (id, compute_node, attempt, start, requested_at)
    values (gen_random_uuid(), 'another machine', gen_random_uuid(), '', clock_timestamp() - interval '2 minutes')`);
  const other = await world.worker({ place: () => 'another machine' });
  await expect.poll(async () => await world.db.asAdmin(CHANNEL_ROWS), PATIENCE).toEqual([]);
  await other.stop();
});
