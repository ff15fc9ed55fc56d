import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runProgram } from '#processes.ts';
import { CliFixture } from '#testing/cli-fixture.ts';

/** All secrets that must not be in the bundle, by location. */
const SECRETS: Record<string, string> = {
  'a Secret': 'gravel-orbit-mango-7',
  'the password of the database, in the configuration': 'hunter2-of-the-database',
  'a header for the collector': 'collector-header-93',
  'a variable': 'variable-value-4711',
  'the password in a variable': 'proxy-word-0815',
  'a header in the log': 'bearer-of-the-log-55',
  'a password in the log': 'hunter2-of-the-log',
};

let cli: CliFixture;
let config: string;
let log: string;

beforeAll(async () => {
  cli = await CliFixture.start();
  const secret = {
    apiVersion: 'dais.dev/v1',
    kind: 'Secret',
    metadata: { name: 'planted' },
    spec: { data: { a: SECRETS['a Secret'] } },
  };
  await cli.run(['apply', '-f', '-'], { stdin: JSON.stringify(secret) });
  SECRETS['the token of the owner'] = (await readFile(join(cli.server.data, 'owner-token'), 'utf8')).trim();
  config = join(cli.folder, 'dais.yaml');
  await writeFile(
    config,
    `apiVersion: dais.dev/v1
kind: DaisConfig
spec:
  database:
    url: postgres://dais:${SECRETS['the password of the database, in the configuration']}@127.0.0.1:9/dais
  otlp:
    endpoint: http://127.0.0.1:9
    headers:
      x-key: ${SECRETS['a header for the collector']}
`,
  );
  log = join(cli.folder, 'dais.log');
  const { 'a header in the log': header, 'a password in the log': password } = SECRETS;
  const lines = [
    `{"message":"a call failed","dais.request":"authorization: Bearer ${header}","error.message":"${SECRETS['a variable']}"}`,
    `{"message":"cannot connect to postgres://u:${password}@db/x with ${SECRETS['the token of the owner']}"}`,
    '{"message":"the last line"}',
  ];
  await writeFile(log, `${'{"message":"an old line"}\n'.repeat(100_000)}${lines.join('\n')}\n`);
});

afterAll(async () => {
  await cli.stop();
});

const variables = () => ({
  PATH: process.env['PATH'],
  HOME: cli.folder,
  MY_SECRET: SECRETS['a variable'],
  HTTPS_PROXY: `http://u:${SECRETS['the password in a variable']}@127.0.0.1:9`,
  NO_PROXY: '127.0.0.1',
});
const bundle = async (...words: readonly string[]) =>
  await cli.run(['support-bundle', '--data', cli.server.data, '--logs', log, ...words], {
    environment: { variables: variables() },
  });

test('it lists its content, writes it for its owner only, and contains no secret', async () => {
  const tried = await bundle('--dry-run', '--config', config);
  expect([tried.code, tried.out]).toEqual([0, '']);
  expect(tried.err).toContain('It would contain, with secrets replaced by ***:');
  // The folder of a running server has the schema; the one of an invalid configuration has the secrets.
  const found: string[] = [];
  const texts: Record<string, string> = {};
  for (const [name, words] of [
    ['own', []],
    ['configured', ['--config', config]],
  ] as const) {
    const to = join(cli.folder, `${name}.tar.gz`);
    const made = await bundle('--to', to, ...words);
    expect([made.code, made.out]).toEqual([0, `${to}\n`]);
    expect(made.err).toMatch(/resources\.json +\d+ bytes +resources by kind and name/);
    expect((await stat(to)).mode & 0o777).toBe(0o600);
    const into = join(cli.folder, name);
    await mkdir(into);
    const { code, stderr } = await runProgram('tar', ['-xzf', to, '-C', into], { variables: variables() });
    expect([code, stderr]).toEqual([0, '']);
    for (const file of [
      'README.txt',
      'versions.json',
      'configuration.yaml',
      'health.json',
      'metrics.txt',
      'resources.json',
      'database.json',
      'disk.json',
      'logs/1.log',
    ]) {
      const text = await readFile(join(into, 'dais-support', file), 'utf8');
      texts[`${name}/${file}`] = text;
      found.push(...leaks(`${name}/${file}`, text));
    }
    found.push(...leaks('the output', made.err));
  }
  expect(found).toEqual([]);
  expect(texts['own/database.json']).toContain('0001-executions');
  expect(texts['own/metrics.txt']).toContain('dais_database_up 1');
  expect(JSON.parse(texts['own/resources.json'] ?? '')).toMatchObject({ 'default/Secret': [{ name: 'planted' }] });
  expect(JSON.parse(texts['own/disk.json'] ?? '')).toMatchObject({
    sizes: { postgres: { files: expect.any(Number) } },
  });
  expect(texts['own/health.json']).toContain('"name": "database"');
  expect(texts['configured/configuration.yaml']).toContain('postgres://dais:***@127.0.0.1:9/dais');
  expect(texts['own/logs/1.log']).toMatch(/^\{"message":"an old line"\}\n/);
  expect(texts['own/logs/1.log']?.endsWith('{"message":"the last line"}\n')).toBe(true);
  expect((texts['own/logs/1.log'] ?? '').length).toBeLessThanOrEqual(2 * 1024 * 1024);
});

test('it reports what it cannot read', async () => {
  const to = join(cli.folder, 'taken');
  await writeFile(to, '');
  expect(await bundle('--to', to)).toMatchObject({
    code: 4,
    err: expect.stringContaining('already exists') as string,
  });
  expect(await bundle('--to', join(cli.folder, 'none', 'x'))).toMatchObject({ code: 7 });
  const lost = await cli.run(['support-bundle', '--logs', 'none.log', '--dry-run', '--data', cli.server.data]);
  expect(lost).toMatchObject({ code: 7, err: expect.stringContaining('none.log') as string });
});

function leaks(location: string, text: string): string[] {
  return Object.entries(SECRETS)
    .filter(([, secret]) => text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').slice(0, -4)))
    .map(([what]) => `${what} in ${location}`);
}
