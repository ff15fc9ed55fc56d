/** `dais admin` against a running server: export, backup, and the check of stored content. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture, type CliOptions } from '#testing/cli-fixture.ts';
import { freePort } from '../../../server/src/testing/dais-process.ts';

let cli: CliFixture;
/** A port that nothing listens on. */
let nowhereUrl: string;
beforeAll(async () => {
  cli = await CliFixture.start();
  nowhereUrl = `http://127.0.0.1:${await freePort()}`;
});
afterAll(async () => await cli.stop());

async function ok(words: readonly string[], options?: CliOptions): Promise<string> {
  const result = await cli.run(words, options);
  expect(result).toMatchObject({ code: 0, err: result.code === 0 ? result.err : '' });
  return result.out;
}

test('export and backup of a running server; existing files are not overwritten', async () => {
  const to = join(cli.folder, 'dump.dais');
  const data = ['--data', cli.server.data];
  expect(await ok(['admin', 'export', to, ...data])).toMatch(
    /dump\.dais contains [\d,]+ rows of \d+ tables of \/.*\.\n$/,
  );
  expect((await cli.run(['admin', 'export', to, ...data])).code).toBe(4);
  expect((await cli.run(['admin', 'import', join(cli.folder, 'nope'), ...data])).code).toBe(3);
  const locked = await cli.run(['admin', 'import', to, ...data]);
  expect(locked).toMatchObject({ code: 4, err: expect.stringContaining('Stop the server first') as string });
});

test('backup refuses a server that does not run on its data folder, and names the folder that it reads', async () => {
  const to = join(cli.folder, 'backup-of-one');
  const data = ['--data', cli.server.data];
  const wrong = { code: 7, err: expect.stringContaining(cli.server.data) as string };
  expect(await cli.run(['admin', 'backup', to, ...data, '--url', nowhereUrl])).toMatchObject(wrong);
  expect(await cli.run(['admin', 'export', to, ...data, '--url', nowhereUrl])).toMatchObject(wrong);
  const byVariable = await cli.run(['admin', 'backup', to], {
    environment: { url: nowhereUrl, variables: { DAIS_DATA: cli.server.data } },
  });
  expect([byVariable.code, byVariable.err]).toEqual([7, expect.stringContaining(`DAIS_URL names ${nowhereUrl}`)]);
  expect(await ok(['admin', 'backup', to, ...data, '--url', `${cli.server.url}/`])).toContain(
    ` of ${cli.server.data}.`,
  );
});

test('scrub checks all stored content; content and doctor report what is damaged with its owner', async () => {
  expect(await ok(['admin', 'scrub', '--wait'])).toMatch(/^\d+ objects? \(.*\) checked .* ago; no damage\.\n$/);
  expect(JSON.parse(await ok(['admin', 'content', '-o', 'json']))).toMatchObject({
    state: 'finished',
    damaged: 0,
    items: [],
  });
  const bytes = randomBytes(1000);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const url = `${cli.server.url}/api/2.0/mlflow-artifacts/artifacts/to-be-damaged`;
  const token = (await readFile(cli.server.tokenFile, 'utf8')).trim();
  const headers = { authorization: `Bearer ${token}` };
  const put = async () => (await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })).status;
  expect(await put()).toBe(200);
  const path = join(cli.server.data, 'blobs', 'sha256', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
  await truncate(path, 10);
  const found = await cli.run(['admin', 'scrub', '--wait']);
  expect([found.code, found.out]).toEqual([1, expect.stringContaining('1 object damaged')]);
  const listed = await cli.run(['admin', 'content']);
  expect([listed.code, listed.out]).toEqual([
    1,
    expect.stringMatching(/truncated .*sha256:[0-9a-f]{64} .*to-be-damaged/),
  ]);
  const doctor = await cli.run(['doctor', '--data', cli.server.data]);
  expect([doctor.code, doctor.out]).toEqual([
    1,
    expect.stringMatching(/problem +content +sha256:[0-9a-f]+ is truncated, used by artifact to-be-damaged/),
  ]);
  expect(await put()).toBe(200);
  expect(await ok(['admin', 'content'])).toContain('no damage');
});
