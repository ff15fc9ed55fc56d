/**
 * Sends recognizable secrets to every route, valid and invalid; then searches all output for them: logs, errors,
 * events, the audit log, metrics, every row of the database, a backup. They may only appear once in the response that
 * creates them.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { run } from '#lib/process.ts';
import { backupInstallation } from '#admin.ts';
import { commandOf, isAlive, startDaisProcess, treeOf, type DaisProcess } from '#testing/dais-process.ts';
import { cliProgram, cliVariables } from '#testing/cli.ts';

const PATIENCE = 300_000;
const canary = (what: string) => `canary-${what}-${randomBytes(12).toString('hex')}`;
/** Passwords, values and client secrets have this length and alphabet; the server creates tokens and session ids. */
const SECRETS: Record<string, string> = {
  value: canary('value'),
  'value in a wrong place': canary('wrong'),
  password: canary('password'),
  'next password': canary('next'),
  'wrong password': canary('guess'),
  'client secret': canary('client'),
  'value that steps print': canary('step'),
};

let folder: string;
let database: TestDatabase;
let name: string;
let dais: DaisProcess;
let url: string;
/** Of the server that was killed. */
let logsBefore = '';
/** HTTP responses, except those in which a secret is shown once. */
const responses: string[] = [];

interface Sent {
  readonly body?: string | object;
  readonly type?: string;
  readonly credential?: string;
  /** The response shows a secret by design: it is not searched. */
  readonly shows?: true;
}

async function send(method: string, path: string, { body, type, credential, shows }: Sent = {}): Promise<Response> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(credential !== undefined &&
        (credential.includes('=') ? { cookie: credential } : { authorization: `Bearer ${credential}` })),
      ...(body !== undefined && { 'content-type': type ?? 'application/json' }),
      origin: url,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    redirect: 'manual',
  });
  const copy = response.clone();
  if (shows !== true) responses.push(JSON.stringify([...copy.headers]), await copy.text());
  return response;
}

const secretManifest = (spec: object) => ({ apiVersion: 'dais.dev/v1', kind: 'Secret', metadata: { name: 's' }, spec });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-canary-'));
  database = await startTestDatabase([]);
  const { user, database: made, host } = await database.emptyDatabase();
  name = made;
  const file = join(folder, 'dais.yaml');
  await writeFile(
    file,
    JSON.stringify({
      apiVersion: 'dais.dev/v1',
      kind: 'DaisConfig',
      spec: {
        authentication: {
          mode: 'accounts',
          providers: [
            { name: 'none', issuer: 'http://127.0.0.1:9', clientId: 'dais', clientSecret: SECRETS['client secret'] },
          ],
        },
        data: join(folder, 'data'),
        keys: { type: 'file', folder: join(folder, 'keys') },
        database: { url: `postgres://${user}@/${made}?host=${encodeURIComponent(host)}` },
        log: { level: 'debug', requests: 'all' },
      },
    }),
  );
  dais = startDaisProcess({}, { file });
  url = await dais.ready;
  SECRETS['owner token'] = (await readFile(join(folder, 'data', 'owner-token'), 'utf8')).trim();
}, PATIENCE);

afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

test('every route receives valid and invalid secrets', { timeout: PATIENCE }, async () => {
  const owner = SECRETS['owner token'] ?? '';
  const asOwner = { credential: owner };
  const value = SECRETS['value'] ?? '';
  const wrong = SECRETS['value in a wrong place'] ?? '';
  const right = secretManifest({ data: { key: value } });
  expect((await send('POST', '/api/v1/secrets', { ...asOwner, body: right })).status).toBe(201);
  await send('PUT', '/api/v1/secrets/s', { ...asOwner, body: secretManifest({ data: { key: `${value}2` } }) });
  await send('POST', '/api/v1/secrets/s/actions/rotate', { ...asOwner, body: {} });
  await send('POST', '/api/v1/secrets/s/actions/rollback', { ...asOwner, body: {} });
  for (const spec of [
    { data: { 'not a key!': wrong } },
    { data: { key: [wrong] } },
    { data: { key: { deeper: wrong } } },
    { data: wrong },
    { dta: { key: wrong } },
  ]) {
    expect((await send('POST', '/api/v1/secrets', { ...asOwner, body: secretManifest(spec) })).status).toBe(400);
    const text = JSON.stringify(secretManifest(spec));
    await send('POST', '/api/v1/apply', { ...asOwner, body: { sources: [{ file: 'a.yaml', text }] } });
    await send('POST', '/api/v1/plan', { ...asOwner, body: { sources: [{ file: 'a.yaml', text }] } });
  }
  const broken = `apiVersion: dais.dev/v1\nkind: Secret\nmetadata: { name: s }\nspec:\n  data:\n    key: "${wrong}\n  x: [`;
  expect((await send('POST', '/api/v1/apply', { ...asOwner, type: 'application/yaml', body: broken })).status).toBe(
    400,
  );
  await send('POST', '/api/v1/secrets', { ...asOwner, body: `{"data": "${wrong}` });

  const made = {
    apiVersion: 'dais.dev/v1',
    kind: 'User',
    metadata: { name: 'ada' },
    spec: { email: 'ada@example.com' },
  };
  expect((await send('POST', '/api/v1/users', { ...asOwner, body: made })).status).toBe(201);
  const reset = await send('POST', '/api/v1/users/ada/password-reset', { ...asOwner, body: {}, shows: true });
  const secret = ((await reset.json()) as { link: string }).link.split('#')[1] ?? '';
  SECRETS['invitation'] = secret;
  const password = SECRETS['password'] ?? '';
  const next = SECRETS['next password'] ?? '';
  const accepted = await send('POST', '/auth/invitation/accept', { body: { secret, password }, shows: true });
  expect(accepted.status).toBe(200);
  const guess = SECRETS['wrong password'];
  expect((await send('POST', '/auth/login', { body: { name: 'ada', password: guess } })).status).toBe(401);
  await send('POST', '/auth/login', { body: { name: 'nobody', password: guess } });
  await send('POST', '/auth/login', { body: { name: 'ada', password: [guess] } });
  const login = await send('POST', '/auth/login', { body: { name: 'ada', password }, shows: true });
  expect(login.status).toBe(200);
  const cookie = login.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  SECRETS['session'] = cookie.split('=')[1] ?? '';
  const created = await send('POST', '/api/v1/tokens', {
    credential: cookie,
    body: { title: 't', days: 1 },
    shows: true,
  });
  const token = ((await created.json()) as { token: string }).token;
  SECRETS['token'] = token;
  for (const path of [
    '/api/v1/server',
    '/api/v1/secrets/s',
    '/api/v1/secrets/nothing',
    '/nowhere',
    `/api/v1/secrets?token=${token}`,
  ]) {
    await send('GET', path, { credential: token });
    await send('GET', path, { credential: `${token.slice(0, -1)}!` });
  }
  await send('GET', `/api/v1/server?access_token=${token}`);
  await send('POST', '/auth/password', { credential: cookie, body: { old: guess, new: next } });
  await send('POST', '/auth/password', { credential: cookie, body: { old: password, new: 'short' } });
  await send('POST', '/auth/password', { credential: cookie, body: { old: password, new: next }, shows: true });
  await send('GET', '/auth/oidc/none/start');
  await send('GET', '/auth/oidc/none/callback?code=x&state=y');
  await send('GET', '/metrics', asOwner);
  await send('GET', '/readyz');
});

test('steps print their secrets', { timeout: PATIENCE }, async () => {
  const asOwner = { credential: SECRETS['owner token'] ?? '' };
  const ofStep = {
    ...secretManifest({ data: { key: SECRETS['value that steps print'] } }),
    metadata: { name: 'of-step' },
  };
  expect((await send('POST', '/api/v1/secrets', { ...asOwner, body: ofStep })).status).toBe(201);
  // It waits in the middle, so that the log is read while the step runs, and the server is killed meanwhile.
  const script = `
    for what in "$CANARY" "$DAIS_TOKEN"; do
      echo "plain $what"; printf %s "$what" | head -c 11; sleep 0.2; printf %s "$what" | tail -c +12; echo >&2 "$what"
      for before in "" a ab; do printf '%s%s' "$before" "$what" | base64; done
      printf %s "$what" | od -An -tx1 | tr -d ' \\n'; echo
    done
    echo started; while [ ! -e ${join(folder, 'go')} ]; do sleep 0.1; done; echo "$CANARY"; "$CANARY"; exit 7`;
  const submit = async (steps: object) => {
    const answer = await send('POST', '/api/v1/executions', { ...asOwner, body: { steps } });
    expect(answer.status).toBe(201);
    return ((await answer.json()) as { id: string }).id;
  };
  const secrets = { CANARY: { secret: 'of-step', key: 'key' } };
  const id = await submit({ main: { command: ['sh', '-c', script], isolation: 'none', secrets } });
  const logs = async () => await (await send('GET', `/api/v1/executions/${id}/logs`, asOwner)).text();
  await expect.poll(logs, { timeout: 60_000 }).toContain('started');
  responses.push(await everyFile(join(folder, 'data', 'compute')));
  // The step continues.
  const servers = treeOf(dais.process.pid!).filter((pid) => commandOf(pid).includes('node'));
  dais.process.kill('SIGKILL');
  await expect.poll(() => servers.filter(isAlive), { timeout: 60_000 }).toEqual([]);
  logsBefore = dais.output();
  dais = startDaisProcess({}, { file: join(folder, 'dais.yaml') });
  url = await dais.ready;
  await writeFile(join(folder, 'go'), '');
  const run = async () => (await (await send('GET', `/api/v1/executions/${id}`, asOwner)).json()) as { state: string };
  await expect.poll(async () => (await run()).state, { timeout: 120_000 }).toBe('failed');
  const text = await logs();
  for (const part of ['nodes', 'attempts', 'files', 'logs?attempt=1']) {
    await send('GET', `/api/v1/executions/${id}/${part}`, asOwner);
  }
  expect(text).toContain('***');
});

test('no output contains any of them', { timeout: PATIENCE }, async () => {
  const asOwner = { credential: SECRETS['owner token'] ?? '' };
  for (const path of [
    '/api/v1/events',
    '/api/v1/organization/events',
    '/api/v1/organization/audit/entries',
    '/api/v1/organization/audit/bodies',
  ]) {
    expect((await send('GET', `${path}?limit=1000`, asOwner)).status).toBe(200);
  }
  const backup = join(folder, 'backup');
  await backupInstallation({ file: join(folder, 'dais.yaml'), flags: {}, to: backup });
  const there = ['--config', join(folder, 'dais.yaml'), '--url', url];
  const doctor = await runCli(['doctor', ...there]);
  const bundle = join(folder, 'bundle.tar.gz');
  const log = join(folder, 'dais.log');
  await writeFile(log, logsBefore + dais.output());
  const result = await runCli(['support-bundle', ...there, '--to', bundle, '--logs', log]);
  const locations: Record<string, string> = {
    'what doctor and support-bundle say': `${doctor}${result}`,
    'support bundle': gunzipSync(await readFile(bundle)).toString('utf8'),
    log: logsBefore + dais.output(),
    answers: responses.join('\n'),
    database: await everyRow(),
    backup: await everyFile(backup),
  };
  const found = Object.entries(locations).flatMap(([index, text]) =>
    Object.entries(SECRETS).flatMap(([what, secret]) =>
      formsOf(secret)
        .filter((form) => text.includes(form))
        .map((form) => `${what} in ${index}: …${excerpt(text, form)}…`),
    ),
  );
  expect(found).toEqual([]);
  // Guards against an empty search.
  for (const text of Object.values(locations)) expect(text.length).toBeGreaterThan(1000);
  expect(locations['database']).toContain('ada@example.com');
});

/** Forms of a secret in text: plain, hex (PostgreSQL’s bytea), base64 at each of its three offsets, percent-encoded. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [...new Set([secret, bytes.toString('hex'), ...base64, ...urlSafe, encodeURIComponent(secret)])];
}

const excerpt = (text: string, form: string) =>
  text.slice(Math.max(0, text.indexOf(form) - 80), text.indexOf(form) + 20);

/** Runs the command line with the owner's token. Returns its output. */
async function runCli(args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(process.execPath, [...cliProgram(), ...args], {
    env: { PATH: '/usr/bin:/bin', HOME: folder, DAIS_TOKEN: SECRETS['owner token'] ?? '', ...cliVariables() },
    timeoutMs: PATIENCE,
  });
  return `${stdout.toString('utf8')}${stderr}`;
}

async function everyRow(): Promise<string> {
  const tables = await database.asAdminIn(
    name,
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const rows: string[] = [];
  for (const table of tables) {
    const found = await database.asAdminIn(name, `select row_to_json(t)::text as row from ${String(table['name'])} t`);
    rows.push(String(table['name']), ...found.map((row) => String(row['row'])));
  }
  return rows.join('\n');
}

async function everyFile(root: string): Promise<string> {
  const texts: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = await readFile(join(entry.parentPath, entry.name));
    texts.push(entry.name, unpacked(bytes).toString('latin1'));
  }
  return texts.join('\n');
}

function unpacked(bytes: Buffer): Buffer {
  for (const unpack of [gunzipSync, brotliDecompressSync]) {
    try {
      return unpack(bytes);
    } catch {
      // Not compressed that way.
    }
  }
  return bytes;
}
