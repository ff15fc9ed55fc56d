/**
 * Every operation, through every door, for every role, in its own and in another project, and with every kind of token:
 * exactly the verdict that the table of operations says. What the table says is spelt out here a second time, in
 * `rolesOf`, so that a mistake in one of the two shows.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kinds, platformOperations, resourceOperations, roles, type KindSpec, type Operation } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { makeTokenText } from '#policy/identity/token-text.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { MEASURED, measuredSpec } from './testing/feature-recipes.ts';
import { NEVER_RUNS, requestFor, targetManifest, type RecipeWorld, type Request } from './testing/operation-recipes.ts';
import { writePrediction } from './testing/prediction-recipes.ts';
import { labelTargets } from './testing/privacy-recipes.ts';
import { DATASET, datasetSpec, pushedFiles } from './testing/data-recipes.ts';
import { trackingTargets } from './testing/tracking-recipes.ts';

type Role = (typeof roles)[number];
type Verdict = 'permitted' | 'refused' | 'unauthenticated';

/** Ms. Four thousand requests on a machine that does other things too. */
const PATIENCE = 300_000;

const operations: readonly Operation[] = [...platformOperations, ...kinds.flatMap(resourceOperations)];
const named = (wanted: string) => operations.find(({ name: one }) => one === wanted) as Operation;
const PUBLIC = operations.filter((operation) => operation.public === true);
const SELF = operations.filter((operation) => operation.self === true);
const GUARDED = operations.filter((operation) => operation.public !== true && operation.self !== true);
/** They say what others may do. */
const GOVERNING = new Set(['Policy', 'RoleBinding']);

/** A role in a project shows that project, and no other, in the list of projects. */
const SEEN_BY_MEMBERS = new Set(['project.list', 'project.watch']);

/** Who may do an operation in the project (or organisation) that their role is bound in. */
function rolesOf(operation: Operation): readonly Role[] {
  if (operation.roles !== undefined) return [...operation.roles, 'admin'];
  const [noun = '', verb = ''] = operation.action.split(':');
  const kind = kinds.find((one) => one.kind.toLowerCase() === noun.toLowerCase());
  if (operation.mode !== 'write') return roles;
  if (kind === undefined || kind.scope === 'org' || GOVERNING.has(kind.kind)) return ['admin'];
  if (verb === 'approve') return ['approver', 'admin'];
  return verb === 'write' || verb === 'delete' ? ['editor', 'admin'] : ['operator', 'editor', 'admin'];
}

let folder: string;
let database: TestDatabase;
let dais: DaisProcess;
let url: string;
let owner: string;
let name: string;
const tokens = new Map<string, string>();
let world: RecipeWorld;

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: Record<string, unknown>;
}

async function send(
  token: string | undefined,
  operation: Operation,
  request: Request,
  project?: string,
): Promise<Answer> {
  const path = Object.entries(request.path ?? {}).reduce<string>(
    (text, [key, value]) =>
      text.replace(`:${key}`, encodeURIComponent(ids.get(`${project ?? 'own'}/${value}`) ?? value)),
    operation.http.path,
  );
  const prefix = project === undefined || path.startsWith('/auth/') ? '' : `/p/${project}`;
  const query = new URLSearchParams({ ...request.query, ...(operation.mode === 'watch' && { watch: 'true' }) });
  const stop = new AbortController();
  const response = await fetch(`${url}${prefix}${path}?${query.toString()}`, {
    method: operation.http.method,
    headers: {
      accept: '*/*',
      ...(token !== undefined &&
        (token.includes('=') ? { cookie: token, origin: url } : { authorization: `Bearer ${token}` })),
      ...(request.body !== undefined && { 'content-type': 'application/json' }),
      ...(request.ifMatch !== undefined && { 'if-match': request.ifMatch }),
    },
    ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    redirect: 'manual',
    signal: stop.signal,
  });
  const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = streams ? '' : await response.text();
  if (streams) stop.abort();
  const body = (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, unknown>;
  return { status: response.status, code: body['code'] as string | undefined, body };
}

/** `mayMiss`: the request names something that is not there, so that “not found” says nothing of rights. */
function verdictOf({ status, code }: Answer, mayMiss = false): Verdict {
  if (status === 401) return 'unauthenticated';
  if (code === 'forbidden' || (code === 'not_found' && !mayMiss)) return 'refused';
  return 'permitted';
}

async function asOwner(operationName: string, request: Request, project?: string): Promise<Record<string, unknown>> {
  const operation = operations.find((one) => one.name === operationName);
  if (operation === undefined) throw new Error(`no operation ${operationName}`);
  const { status, body } = await send(owner, operation, request, project);
  if (status >= 300) throw new Error(`${operationName}: ${JSON.stringify(body)}`);
  return body;
}

async function apply(documents: readonly object[], project?: string): Promise<void> {
  const text = documents.map((document) => JSON.stringify(document)).join('\n---\n');
  await asOwner('platform.apply', { body: { sources: [{ file: 'matrix.yaml', text }] } }, project);
}

/** A run of commands that came to nothing, in every project: a name that stands for its id in each. */
async function endedExecution(): Promise<string> {
  const spare = `execution-${randomBytes(8).toString('hex')}`;
  for (const project of ['own', 'other']) {
    const { upload } = await asOwner('execution.upload', {}, project);
    const body = { steps: { main: NEVER_RUNS }, code: { files: [{ path: 'x', upload }] } };
    const { id } = await asOwner('execution.submit', { body }, project);
    const path = { id: String(id) };
    await vi.waitUntil(async () => (await asOwner('execution.get', { path }, project))['endedAt'] !== undefined, {
      timeout: 60_000,
    });
    ids.set(`${project}/${spare}`, path.id);
  }
  return spare;
}

/** Versions of the Dataset `rows`, in every project: the number of the newest. */
async function makeDatasetVersion(rows: number): Promise<string> {
  let number = '';
  for (const project of ['own', 'other']) {
    await apply([resource('Dataset', DATASET, datasetSpec(rows))], project);
    const { id } = await asOwner('dataset.refresh', { path: { name: DATASET }, body: {} }, project);
    const path = { name: DATASET, id: String(id) };
    const ended = async () => {
      const ingest = await asOwner('datasetIngest.get', { path }, project);
      return ingest['endedAt'] === undefined ? undefined : ingest;
    };
    const ingest = await vi.waitUntil(ended, { timeout: 60_000, interval: 50 });
    number = String(ingest['version']);
  }
  return number;
}

/** Something that is asked for once in every project: a name that stands for its id in each. */
async function inEveryProject(operation: string, body: object): Promise<string> {
  const made = `${operation} of all`;
  for (const project of ['own', 'other']) {
    if (ids.has(`${project}/${made}`)) continue;
    await apply([resource('FeatureView', MEASURED, measuredSpec)], project);
    ids.set(`${project}/${made}`, String((await asOwner(operation, { body }, project))['id']));
  }
  return made;
}

let execution: Promise<string> | undefined;
let datasetRows = 1;

const resource = (kind: string, named: string, spec: object) => ({
  apiVersion: 'dais.dev/v1',
  kind,
  metadata: { name: named },
  spec,
});

const serviceToken = async (account: string, more: object = {}): Promise<string> =>
  (await asOwner('serviceToken.create', { path: { name: account }, body: { title: 'matrix', days: 1, ...more } }))[
    'token'
  ] as string;

/** Gives a user a password: the user's name and twenty letters. */
async function invite(user: string): Promise<void> {
  const { link } = (await asOwner('password.reset', { path: { name: user }, body: {} })) as { link: string };
  const secret = link.slice(link.indexOf('#') + 1);
  await asOwner('invitation.accept', { body: { secret, password: passwordOf(user) } });
}

/** Version 1 of a model, an alias of it, and approval 1. */
async function register(model: string, project: string): Promise<void> {
  const path = { name: model };
  await asOwner('modelVersion.create', { path, body: { source: 's3://bucket/m' } }, project);
  await asOwner('modelAlias.set', { path: { ...path, alias: 'known' }, body: { version: '1' } }, project);
  await asOwner('modelApproval.request', { path, body: { version: '1', alias: 'guarded' } }, project);
}

/** A version of the Pipeline `target`. */
async function addPipelineVersion(project: string, version: string): Promise<void> {
  const body = { version, format: 'steps', document: { steps: { main: NEVER_RUNS } } };
  await asOwner('pipelineVersion.create', { path: { name: 'target' }, body }, project);
}

/** Version 1 of the Dataset `target`, made of labels, and what was found in it. */
async function addDatasetVersion(project: string): Promise<void> {
  for (const [operation, request] of labelTargets) await asOwner(operation, request, project);
  const path = { set: 'target' };
  const first = async (operation: string, request: Request) =>
    ((await asOwner(operation, request, project))['items'] as { id: string; annotations: { id: string }[] }[])[0];
  const task = await first('labelTask.list', { path });
  const { id } = await asOwner('labelSet.publish', { path, body: { dataset: 'target' } }, project);
  ids.set(`${project}/annotation`, task?.annotations[0]?.id ?? '');
  ids.set(`${project}/publication`, String(id));
  const finding = async () => (await first('datasetFinding.list', { path: { name: 'target' } }))?.id;
  ids.set(`${project}/finding`, (await vi.waitUntil(finding, { timeout: 60_000, interval: 100 })) ?? '');
  const expected = { path: { name: 'target', version: '1' }, body: { expectations: [{ type: 'rowCount', min: 0 }] } };
  ids.set(`${project}/check`, String((await asOwner('qualityCheck.start', expected, project))['id']));
}

async function addPrediction(project: string): Promise<void> {
  const { metadata } = await asOwner('endpoint.get', { path: { name: 'target' } }, project);
  const made = await writePrediction(join(folder, 'data'), project, (metadata as { uid: string }).uid);
  ids.set(`${project}/prediction`, made);
  const erase = { path: { endpoint: 'target' }, body: { column: 'in_nothing', value: 'tried' } };
  ids.set(`${project}/erasure`, String((await asOwner('prediction.erase', erase, project))['id']));
  // The files of the version lie elsewhere: that is a finding.
  const scanned = async () => {
    const { body } = await send(owner, named('modelScan.get'), { path: { name: 'target', version: '1' } }, project);
    return (body['findings'] as { id: string }[] | undefined)?.[0]?.id;
  };
  ids.set(`${project}/model-finding`, (await vi.waitUntil(scanned, { timeout: 60_000, interval: 100 })) ?? '');
}

/** Ids of what is made anew in every project, by project and the name that recipes give it. */
const ids = new Map<string, string>();

const salt = randomBytes(12).toString('hex');
const passwordOf = (user: string) => `${salt} of the one called ${user.length}`;

/** The cookie of a new session. */
async function signIn(user: string): Promise<string> {
  const response = await fetch(`${url}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ name: user, password: passwordOf(user) }),
  });
  if (response.status !== 200) throw new Error(`${user} cannot sign in: ${await response.text()}`);
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-matrix-'));
  database = await startTestDatabase([]);
  const { user, database: made, host } = await database.emptyDatabase();
  name = made;
  dais = startDaisProcess({
    'authentication.mode': 'accounts',
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    'database.url': `postgres://${user}@/${made}?host=${encodeURIComponent(host)}`,
  });
  url = await dais.ready;
  owner = (await readFile(join(folder, 'data', 'owner-token'), 'utf8')).trim();

  const ofScope = (scope: KindSpec['scope']) => kinds.filter((kind) => kind.scope === scope).map(targetManifest);
  const accounts = [...roles, ...roles.map((role) => `org-${role}`), 'stranger', 'suspended'];
  await apply(accounts.map((account) => resource('ServiceAccount', account, {})));
  await apply([resource('Team', 'deciders', { serviceAccounts: accounts })]);
  await apply([...ofScope('org'), resource('Project', 'own', {}), resource('Project', 'other', {})]);
  for (const project of ['own', 'other']) await apply(ofScope('project'), project);
  for (const project of ['own', 'other']) await register('target', project);
  for (const project of ['own', 'other']) await addPipelineVersion(project, '1');
  for (const project of ['own', 'other']) await addDatasetVersion(project);
  for (const project of ['own', 'other']) await addPrediction(project);
  await makeDatasetVersion(datasetRows);
  for (const project of ['own', 'other'])
    for (const [operation, request] of trackingTargets) await asOwner(operation, request, project);
  await apply(
    roles.map((role) => resource('RoleBinding', role, { role, serviceAccounts: [role] })),
    'own',
  );
  await apply([
    ...roles.map((role) => resource('OrganisationRoleBinding', role, { role, serviceAccounts: [`org-${role}`] })),
    resource('OrganisationRoleBinding', 'suspended', { role: 'admin', serviceAccounts: ['suspended'] }),
  ]);
  for (const account of accounts) tokens.set(account, await serviceToken(account));
  await apply([resource('ServiceAccount', 'suspended', { suspended: true })]);

  await invite('target');
  await apply([resource('User', 'ada', { email: 'ada@example.com' })]);
  await invite('ada');
  await apply([resource('RoleBinding', 'ada', { role: 'editor', users: ['ada'] })], 'own');
  let users = 0;
  let models = 0;
  world = {
    kinds,
    userSession: async () => {
      const { body } = await send(await signIn('target'), named('session.list'), {});
      return (body['items'] as { id: string }[])[0]?.id ?? '';
    },
    userToken: async () => {
      const { body } = await send(await signIn('target'), named('token.create'), { body: { title: 'tried', days: 1 } });
      return body['id'] as string;
    },
    serviceToken: async () => {
      const body = { title: 'tried', days: 1 };
      return (await asOwner('serviceToken.create', { path: { name: 'target' }, body }))['id'] as string;
    },
    invitation: async () => {
      const body = { email: `invited-${String((users += 1))}@example.com` };
      return (await asOwner('invitation.create', { body }))['id'] as string;
    },
    spareModel: async () => {
      const spare = `spare-${String((models += 1))}`;
      for (const project of ['own', 'other']) {
        await asOwner('registeredModel.create', { body: { name: spare } }, project);
        await asOwner('modelVersion.create', { path: { name: spare }, body: { source: 's3://bucket/m' } }, project);
      }
      return spare;
    },
    webhook: async () => {
      const spare = `webhook-${String((models += 1))}`;
      const body = { name: spare, url: 'https://webhook.invalid/', events: ['run.finished'] };
      for (const project of ['own', 'other']) {
        const { id } = await asOwner('webhook.create', { body }, project);
        ids.set(`${project}/${spare}`, String(id));
      }
      return spare;
    },
    recurrence: async () => {
      const spare = `recurrence-${String((models += 1))}`;
      const when = { type: 'cron', cron: '0 0 30 2 *' };
      for (const project of ['own', 'other']) {
        const { id } = await asOwner('recurrence.create', { body: { name: spare, pipeline: 'target', when } }, project);
        ids.set(`${project}/${spare}`, String(id));
      }
      return spare;
    },
    definition: async () => {
      const spare = `definition-${String((models += 1))}`;
      const body = { format: 'recipe', type: 'thing', name: spare, body: '' };
      for (const project of ['own', 'other']) await asOwner('definition.put', { body }, project);
      return spare;
    },
    pipelineVersion: async () => {
      const spare = `version-${String((models += 1))}`;
      for (const project of ['own', 'other']) await addPipelineVersion(project, spare);
      return spare;
    },
    upload: async () => {
      const spare = `upload-${String((models += 1))}`;
      for (const project of ['own', 'other']) {
        const { id } = await asOwner('artifactUpload.begin', { body: { path: spare, parts: 1 } }, project);
        ids.set(`${project}/${spare}`, String(id));
      }
      return spare;
    },
    push: async () => {
      const spare = `push-${randomBytes(8).toString('hex')}`;
      for (const project of ['own', 'other']) {
        const body = { files: pushedFiles };
        const { id } = await asOwner('datasetPush.begin', { path: { name: 'target' }, body }, project);
        ids.set(`${project}/${spare}`, String(id));
      }
      return spare;
    },
    materialization: async () => await inEveryProject('features.materialize', { view: MEASURED }),
    featureBuild: async () => await inEveryProject('features.build', { features: [`${MEASURED}:x`], to: 'built' }),
    datasetVersion: async () => await makeDatasetVersion((datasetRows += 1)),
    execution: async () => await (execution ??= endedExecution()),
    spareExecution: async () => await endedExecution(),
    spareLabelSet: async () => {
      const spare = `spare-${randomBytes(6).toString('hex')}`;
      for (const project of ['own', 'other'])
        await asOwner('labelSet.create', { body: { name: spare, dataset: 'target' } }, project);
      return spare;
    },
    spareUser: async () => {
      const spare = `spare-${String((users += 1))}`;
      await apply([resource('User', spare, { email: `${spare}@example.com` })]);
      // Who is not in the log yet cannot be forgotten.
      const heard = { query: { kind: 'User', name: spare, limit: '1' } };
      await vi.waitUntil(
        async () => ((await asOwner('organisationAudit.list', heard))['items'] as unknown[]).length === 1,
        { timeout: 60_000 },
      );
      return spare;
    },
  };
}, PATIENCE);

afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

/** One line for each operation, so that a difference reads like a table. */
async function table(
  tried: readonly Operation[],
  ask: (operation: Operation) => Promise<Verdict>,
): Promise<Record<string, Verdict>> {
  const lines: Record<string, Verdict> = {};
  for (const operation of tried) lines[operation.name] = await ask(operation);
  return lines;
}

const wanted = (tried: readonly Operation[], verdict: (operation: Operation) => Verdict) =>
  Object.fromEntries(tried.map((operation) => [operation.name, verdict(operation)]));

describe.each(roles)('%s', (role) => {
  test.each(['own', 'other'])('bound in one project, asking in %s', { timeout: PATIENCE }, async (project) => {
    const tried = GUARDED.filter((operation) => operation.scope === 'project');
    const token = tokens.get(role);
    const asked = await table(tried, async (one) =>
      verdictOf(await send(token, one, await requestFor(one, world), project)),
    );
    expect(asked).toEqual(
      wanted(tried, (one) => (project === 'own' && rolesOf(one).includes(role) ? 'permitted' : 'refused')),
    );
  });

  test('bound in one project, asking the organisation', { timeout: PATIENCE }, async () => {
    const tried = GUARDED.filter((operation) => operation.scope === 'org');
    const asked = await table(tried, async (one) =>
      verdictOf(await send(tokens.get(role), one, await requestFor(one, world))),
    );
    expect(asked).toEqual(wanted(tried, (one) => (SEEN_BY_MEMBERS.has(one.name) ? 'permitted' : 'refused')));
  });

  test('bound in the organisation, asking anywhere', { timeout: PATIENCE }, async () => {
    const token = tokens.get(`org-${role}`);
    const asked = await table(GUARDED, async (one) =>
      verdictOf(await send(token, one, await requestFor(one, world), one.scope === 'org' ? undefined : 'other')),
    );
    expect(asked).toEqual(wanted(GUARDED, (one) => (rolesOf(one).includes(role) ? 'permitted' : 'refused')));
  });

  test.each(['own', 'other'])('documents of an apply are judged one by one, in %s', async (project) => {
    const write = (kind: KindSpec) =>
      operations.find((one) => one.name.toLowerCase() === `${kind.kind.toLowerCase()}.update`) as Operation;
    const tried = kinds.filter((kind) => kind.scope === 'project');
    for (const verb of ['plan', 'apply']) {
      const operation = operations.find((one) => one.name === `platform.${verb}`) as Operation;
      for (const kind of tried) {
        const body = { sources: [{ file: '-', text: JSON.stringify(targetManifest(kind)) }] };
        const verdict = verdictOf(await send(tokens.get(role), operation, { body }, project));
        const may = project === 'own' && rolesOf(write(kind)).includes(role);
        expect({ verb, kind: kind.kind, verdict }).toEqual({
          verb,
          kind: kind.kind,
          verdict: may ? 'permitted' : 'refused',
        });
      }
    }
  });

  test('with a token of one project, the project need not be named', { timeout: PATIENCE }, async () => {
    const tried = GUARDED.filter((operation) => operation.scope === 'project');
    const token = await serviceToken(`org-${role}`, { project: 'own' });
    const asked = await table(tried, async (one) => verdictOf(await send(token, one, await requestFor(one, world))));
    expect(asked).toEqual(wanted(tried, (one) => (rolesOf(one).includes(role) ? 'permitted' : 'refused')));
  });
});

test('a role in one project shows that project and no other', async () => {
  const list = operations.find((operation) => operation.name === 'project.list') as Operation;
  const { body } = await send(tokens.get('viewer'), list, {});
  expect((body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual(['own']);
});

test('a person with a session has the same rights as a program with a token', { timeout: PATIENCE }, async () => {
  const cookie = await signIn('ada');
  const tried = GUARDED.filter((operation) => operation.scope === 'project');
  for (const project of ['own', 'other']) {
    const asked = await table(tried, async (one) =>
      verdictOf(await send(cookie, one, await requestFor(one, world), project)),
    );
    expect(asked).toEqual(
      wanted(tried, (one) => (project === 'own' && rolesOf(one).includes('editor') ? 'permitted' : 'refused')),
    );
  }
});

test('the table is whole: what the server answers is what is tried here', async () => {
  const response = await fetch(`${url}/api/openapi.json`, { headers: { authorization: `Bearer ${owner}` } });
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, { operationId: string }>> };
  const answered = Object.values(paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  // A stream shares the address of its list.
  const listed = operations.filter((operation) => operation.mode !== 'watch').map((operation) => operation.name);
  expect(new Set(answered)).toEqual(new Set(listed));
});

test(
  'whoever has no role may do for themselves what is for themselves, and nothing else',
  { timeout: PATIENCE },
  async () => {
    const token = tokens.get('stranger');
    const person = await signIn('target');
    const mine = await table(SELF, async (one) =>
      verdictOf(await send(person, one, await requestFor(one, world)), true),
    );
    expect(mine).toEqual(wanted(SELF, () => 'permitted'));
    const rest = await table(GUARDED, async (one) =>
      verdictOf(await send(token, one, await requestFor(one, world), one.scope === 'org' ? undefined : 'own')),
    );
    expect(rest).toEqual(wanted(GUARDED, () => 'refused'));
  },
);

test('what is for everybody never says “forbidden”', { timeout: PATIENCE }, async () => {
  for (const operation of PUBLIC) {
    const { code } = await send(undefined, operation, await requestFor(operation, world));
    expect({ name: operation.name, code }).not.toMatchObject({ code: 'forbidden' });
  }
});

describe('a token that does not hold opens nothing', () => {
  const bad: Readonly<Record<string, () => Promise<string | undefined>>> = {
    none: async () => undefined,
    'of another server': async () => makeTokenText('sat', randomBytes),
    'with a wrong checksum': async () => `${(tokens.get('org-admin') ?? '').slice(0, -1)}!`,
    revoked: async () => {
      const made = await asOwner('serviceToken.create', { path: { name: 'org-admin' }, body: { title: 'x', days: 1 } });
      const used = await send(
        made['token'] as string,
        operations.find(({ name: n }) => n === 'key.list') as Operation,
        {},
      );
      expect(used.status).toBe(200);
      await asOwner('serviceToken.revoke', { path: { name: 'org-admin', id: made['id'] as string } });
      return made['token'] as string;
    },
    expired: async () => {
      const made = await asOwner('serviceToken.create', { path: { name: 'org-admin' }, body: { title: 'x', days: 1 } });
      await database.asAdminIn(
        name,
        `update policy.token set expires_at = now() - interval '1 second' where id = '${String(made['id'])}'`,
      );
      return made['token'] as string;
    },
    'of a suspended account': async () => tokens.get('suspended'),
  };
  test.each(Object.keys(bad))('%s', { timeout: PATIENCE }, async (kind) => {
    const token = await bad[kind]?.();
    const tried = [...GUARDED, ...SELF];
    const asked = await table(tried, async (one) => verdictOf(await send(token, one, await requestFor(one, world))));
    expect(asked).toEqual(wanted(tried, () => 'unauthenticated'));
  });
});

test('a token does only what its scopes name, whatever its owner may do', { timeout: PATIENCE }, async () => {
  const token = await serviceToken('org-admin', { scopes: ['secret:read', 'team:*'] });
  const asked = await table(GUARDED, async (one) =>
    verdictOf(await send(token, one, await requestFor(one, world), one.scope === 'org' ? undefined : 'own')),
  );
  expect(asked).toEqual(
    wanted(GUARDED, ({ action }) => (action === 'secret:read' || action.startsWith('team:') ? 'permitted' : 'refused')),
  );
});

test('a token of one project names no other', { timeout: PATIENCE }, async () => {
  const token = await serviceToken('org-admin', { project: 'own' });
  for (const operation of GUARDED.filter((one) => one.scope === 'project')) {
    const { code } = await send(token, operation, await requestFor(operation, world), 'other');
    expect({ name: operation.name, code }).toEqual({ name: operation.name, code: 'project_mismatch' });
  }
});
