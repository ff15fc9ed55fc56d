/**
 * Tests every operation, through every API, for every role, in its own and in another project, and with every type of
 * token, against the table of operations. `rolesOf` repeats the table, so that an error in one of the two is found.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kinds, type KindSpec, type Operation } from '@dais/api';
import { roles } from '@dais/api/access';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { makeTokenText } from '#policy/identity/tokens/token-text.ts';
import { startDaisProcess, type DaisProcess } from './dais-process.ts';
import { MatrixCaller, operationNamed, operations, type Answer } from './matrix-caller.ts';
import { MatrixWorld, OF_ORGANIZATION, type Tokens } from './matrix-world.ts';
import { requestFor, targetManifest, type RecipeWorld, type Request } from './operation-recipes.ts';

type Role = (typeof roles)[number];
type Result = 'permitted' | 'refused' | 'unauthenticated';

/** In ms: four thousand requests on a busy machine. */
const PATIENCE = 300_000;

const PUBLIC = operations.filter((operation) => operation.public === true);
const SELF = operations.filter((operation) => operation.self === true);
const GUARDED = operations.filter((operation) => operation.public !== true && operation.self !== true);
const IN_PROJECTS = GUARDED.filter((operation) => operation.scope === 'project');
/** Their permissions define those of others. */
const GOVERNING = new Set(['Policy', 'RoleBinding']);

/** A role in a project shows that project, and no other, in the list of projects. */
const SEEN_BY_MEMBERS = new Set(['project.list', 'project.watch']);

/** The roles that may call an operation in the project (or organization) of their binding. */
function rolesOf(operation: Operation): readonly Role[] {
  if (operation.roles !== undefined) return [...operation.roles, 'admin'];
  const [noun = '', verb = ''] = operation.action.split(':');
  const kind = kinds.find((one) => one.kind.toLowerCase() === noun.toLowerCase());
  if (operation.mode !== 'write') return roles.filter((role) => !OF_ORGANIZATION.has(role));
  if (kind === undefined || kind.scope === 'org' || GOVERNING.has(kind.kind)) return ['admin'];
  if (verb === 'approve') return ['approver', 'admin'];
  return verb === 'write' || verb === 'delete' ? ['editor', 'admin'] : ['operator', 'editor', 'admin'];
}

const LONG = (fc.readConfigureGlobal().numRuns ?? 0) > 100;
/**
 * Outside of their binding, daily runs check the roles with the fewest and the most permissions; long runs check all.
 */
const EXTREMES: readonly Role[] = LONG ? roles : ['scraper', 'provisioner', 'viewer', 'admin'];
/** These accounts have no permissions in a project. */
const MEMBERS = EXTREMES.filter((role) => LONG || !OF_ORGANIZATION.has(role));
/**
 * The caller is authenticated before the operation: for most invalid tokens, a sample of one in ten operations is
 * sufficient.
 */
const some = (tried: readonly Operation[]) => tried.filter((_, at) => LONG || at % 10 === 0);

/** `mayMiss`: the request names a missing object, so "not found" does not indicate a permission. */
function resultOf({ status, code }: Answer, mayMiss = false): Result {
  if (status === 401) return 'unauthenticated';
  if (code === 'forbidden' || (code === 'not_found' && !mayMiss)) return 'refused';
  return 'permitted';
}

/**
 * Declares the tests. Each role and each kind of token tries one operation, and one kind, of `every`; which one differs from
 * role to role, so that each is tried by several of them.
 */
export function accessMatrix({ every }: { readonly every: number }): void {
  const sample = <One>(all: readonly One[], offset = 0): readonly One[] =>
    all.filter((_, at) => (at + offset) % every === 0);

  let folder: string;
  let database: TestDatabase;
  let dais: DaisProcess;
  let caller: MatrixCaller;
  /** Of the database. */
  let name: string;
  let tokens: Tokens;
  let world: RecipeWorld;

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
    const url = await dais.ready;
    caller = new MatrixCaller(url, (await readFile(join(folder, 'data', 'owner-token'), 'utf8')).trim());
    const filled = new MatrixWorld(caller, join(folder, 'data'));
    tokens = await filled.fill();
    world = filled.recipes();
    // Only a key that was rotated can be destroyed.
    for (const project of ['own', 'other']) await caller.asOwner('pseudonymKey.rotate', { body: {} }, project);
  }, PATIENCE);

  afterAll(async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Objects that requests name and that no permitted request deletes: their creation takes longer than the request. */
  const unspent = new Map<string, Request>();

  async function ask(token: string | undefined, operation: Operation, project?: string): Promise<Answer> {
    const request = unspent.get(operation.name) ?? (await requestFor(operation, world));
    const answer = await caller.send(token, operation, request, project);
    if (resultOf(answer) === 'permitted') unspent.delete(operation.name);
    else unspent.set(operation.name, request);
    // A sample can have the deletion without the restoration, and other requests name objects of the experiment.
    if (operation.name === 'experiment.delete' && answer.status < 300) {
      await caller.asOwner('experiment.restore', { path: { id: '0' }, body: {} }, project ?? 'own');
    }
    return answer;
  }

  /** One line for each operation, so that a difference reads like a table. */
  async function table(
    tried: readonly Operation[],
    result: (operation: Operation) => Promise<Result>,
  ): Promise<Record<string, Result>> {
    const lines: Record<string, Result> = {};
    for (const operation of tried) lines[operation.name] = await result(operation);
    return lines;
  }

  const expected = (tried: readonly Operation[], result: (operation: Operation) => Result) =>
    Object.fromEntries(tried.map((operation) => [operation.name, result(operation)]));

  const projectsOf = (role: Role) => (MEMBERS.includes(role) ? ['own', 'other'] : ['own']);

  describe.each(roles)('%s', (role) => {
    const offset = roles.indexOf(role);
    test.each(projectsOf(role))('bound in one project, request in %s', { timeout: PATIENCE }, async (project) => {
      const tried = sample(IN_PROJECTS, offset);
      const token = tokens.get(role);
      const requested = await table(tried, async (one) => resultOf(await ask(token, one, project)));
      expect(requested).toEqual(
        expected(tried, (one) => (project === 'own' && rolesOf(one).includes(role) ? 'permitted' : 'refused')),
      );
    });

    test('bound in the organization, calling anywhere', { timeout: PATIENCE }, async () => {
      const token = tokens.get(`org-${role}`);
      // A role has the same permissions in every project, and they were checked in one above.
      const worth = GUARDED.filter((operation) => EXTREMES.includes(role) || operation.scope === 'org');
      const tried = sample(worth, offset);
      const requested = await table(tried, async (one) =>
        resultOf(await ask(token, one, one.scope === 'org' ? undefined : 'other')),
      );
      expect(requested).toEqual(expected(tried, (one) => (rolesOf(one).includes(role) ? 'permitted' : 'refused')));
    });

    test.each(projectsOf(role))('documents of an apply are authorized individually, in %s', async (project) => {
      const write = (kind: KindSpec) =>
        operations.find((one) => one.name.toLowerCase() === `${kind.kind.toLowerCase()}.update`) as Operation;
      const inProjects = kinds.filter((kind) => kind.scope === 'project');
      const tried = sample(inProjects, offset);
      for (const verb of ['plan', 'apply']) {
        const operation = operationNamed(`platform.${verb}`);
        for (const kind of tried) {
          const body = { sources: [{ file: '-', text: JSON.stringify(targetManifest(kind)) }] };
          const result = resultOf(await caller.send(tokens.get(role), operation, { body }, project));
          const may = project === 'own' && rolesOf(write(kind)).includes(role);
          expect({ verb, kind: kind.kind, result }).toEqual({
            verb,
            kind: kind.kind,
            result: may ? 'permitted' : 'refused',
          });
        }
      }
    });
  });

  describe.each(EXTREMES)('%s, outside of its bindings', (role) => {
    const offset = roles.indexOf(role) + 1;
    test('bound in one project, calling the organization', { timeout: PATIENCE }, async () => {
      const inOrganization = GUARDED.filter((operation) => operation.scope === 'org');
      const tried = sample(inOrganization, offset);
      const requested = await table(tried, async (one) => resultOf(await ask(tokens.get(role), one)));
      expect(requested).toEqual(
        expected(tried, (one) =>
          SEEN_BY_MEMBERS.has(one.name) && !OF_ORGANIZATION.has(role) ? 'permitted' : 'refused',
        ),
      );
    });

    test('with a token of one project, the project need not be named', { timeout: PATIENCE }, async () => {
      const tried = sample(IN_PROJECTS, offset);
      const token = await caller.serviceToken(`org-${role}`, { project: 'own' });
      const requested = await table(tried, async (one) => resultOf(await ask(token, one)));
      expect(requested).toEqual(expected(tried, (one) => (rolesOf(one).includes(role) ? 'permitted' : 'refused')));
    });
  });

  test('a role in one project shows that project and no other', async () => {
    const list = operationNamed('project.list');
    const { body } = await caller.send(tokens.get('viewer'), list, {});
    expect((body['items'] as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name)).toEqual(['own']);
  });

  test('a person with a session has the same rights as a program with a token', { timeout: PATIENCE }, async () => {
    const cookie = await caller.signIn('ada');
    const tried = sample(IN_PROJECTS);
    for (const project of ['own', 'other']) {
      const here = project === 'own' ? tried : some(tried);
      const requested = await table(here, async (one) => resultOf(await ask(cookie, one, project)));
      expect(requested).toEqual(
        expected(here, (one) => (project === 'own' && rolesOf(one).includes('editor') ? 'permitted' : 'refused')),
      );
    }
  });

  test('the table is complete: all operations of the server are tested', async () => {
    const response = await fetch(`${caller.url}/api/openapi.json`, {
      headers: { authorization: `Bearer ${caller.owner}` },
    });
    const { paths } = (await response.json()) as { paths: Record<string, Record<string, { operationId: string }>> };
    const answered = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map(({ operationId }) => operationId),
    );
    // A stream shares the address of its list.
    const listed = operations.filter((operation) => operation.mode !== 'watch').map((operation) => operation.name);
    expect(new Set(answered)).toEqual(new Set(listed));
  });

  test('a principal without a role has only the permissions for themselves', { timeout: PATIENCE }, async () => {
    const token = tokens.get('stranger');
    const person = await caller.signIn('target');
    const mine = await table(SELF, async (one) =>
      resultOf(await caller.send(person, one, await requestFor(one, world)), true),
    );
    expect(mine).toEqual(expected(SELF, () => 'permitted'));
    const tried = sample(GUARDED, 2);
    const rest = await table(tried, async (one) =>
      resultOf(await ask(token, one, one.scope === 'org' ? undefined : 'own')),
    );
    expect(rest).toEqual(expected(tried, () => 'refused'));
  });

  test('operations for everyone never return "forbidden"', { timeout: PATIENCE }, async () => {
    for (const operation of PUBLIC) {
      const { code } = await caller.send(undefined, operation, await requestFor(operation, world));
      expect({ name: operation.name, code }).not.toMatchObject({ code: 'forbidden' });
    }
  });

  describe('an invalid token is rejected', () => {
    const bad: Readonly<Record<string, () => Promise<string | undefined>>> = {
      none: async () => undefined,
      'of another server': async () => makeTokenText('sat', randomBytes),
      'with a wrong checksum': async () => `${(tokens.get('org-admin') ?? '').slice(0, -1)}!`,
      revoked: async () => {
        const made = await caller.asOwner('serviceToken.create', {
          path: { name: 'org-admin' },
          body: { title: 'x', days: 1 },
        });
        const used = await caller.send(made['token'] as string, operationNamed('key.list'), {});
        expect(used.status).toBe(200);
        await caller.asOwner('serviceToken.revoke', { path: { name: 'org-admin', id: made['id'] as string } });
        return made['token'] as string;
      },
      expired: async () => {
        const made = await caller.asOwner('serviceToken.create', {
          path: { name: 'org-admin' },
          body: { title: 'x', days: 1 },
        });
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
      const all = [...GUARDED, ...SELF];
      const tried = kind === 'none' ? sample(all, 3) : some(all);
      const requested = await table(tried, async (one) => resultOf(await ask(token, one)));
      expect(requested).toEqual(expected(tried, () => 'unauthenticated'));
    });
  });

  test('a token permits only its scopes, with any permissions of its owner', { timeout: PATIENCE }, async () => {
    const token = await caller.serviceToken('org-admin', { scopes: ['secret:read', 'team:*'] });
    const named = ({ action }: Operation) => action === 'secret:read' || action.startsWith('team:');
    const tried = GUARDED.filter((one, at) => named(one) || at % every === 0);
    const requested = await table(tried, async (one) =>
      resultOf(await ask(token, one, one.scope === 'org' ? undefined : 'own')),
    );
    expect(requested).toEqual(expected(tried, (one) => (named(one) ? 'permitted' : 'refused')));
  });

  test('a token of one project names no other', { timeout: PATIENCE }, async () => {
    const token = await caller.serviceToken('org-admin', { project: 'own' });
    for (const operation of sample(IN_PROJECTS, 1)) {
      const { code } = await ask(token, operation, 'other');
      expect({ name: operation.name, code }).toEqual({ name: operation.name, code: 'project_mismatch' });
    }
  });
}
