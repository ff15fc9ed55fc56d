/** Ways to more rights than one was given: each is tried, and none leads there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { startPolicyWorld, user, type PolicyWorld } from './cedar/testing/policy-world.ts';

let world: PolicyWorld;

beforeAll(async () => {
  world = await startPolicyWorld();
  await world.apply([
    manifest('Project', 'own'),
    manifest('Project', 'other'),
    ...['root', 'ada', 'bo'].map((name) => manifest('User', name, { email: `${name}@example.com` })),
    manifest('OrganizationRoleBinding', 'root', { role: 'admin', users: ['root'] }),
  ]);
  await world.apply(
    [
      manifest('RoleBinding', 'admins', { role: 'admin', users: ['ada'] }),
      manifest('RoleBinding', 'editors', { role: 'editor', users: ['bo'] }),
    ],
    'own',
  );
});
afterAll(async () => {
  await world.stop();
});

const documents = (...all: readonly object[]) => ({
  sources: [{ file: 'a.yaml', text: all.map((one) => JSON.stringify(one)).join('\n---\n') }],
  prune: false,
  takeOver: false,
});
const BOTH = ['platform.apply', 'platform.plan'] as const;

describe('a token of one project', () => {
  const bound = user('root', { project: 'own' });

  test.each([
    ['a role in the organization', manifest('OrganizationRoleBinding', 'more', { role: 'admin', users: ['bo'] })],
    [
      'a policy of the organization',
      manifest('OrganizationPolicy', 'all', { cedar: '@id("all") permit(principal, action, resource);' }),
    ],
    ['an account', manifest('User', 'bo', { email: 'mine@example.com' })],
    ['a project', manifest('Project', 'new')],
    ['its own project', manifest('Project', 'own', { description: 'changed' })],
  ])('does not reach %s through documents', async (_what, document) => {
    for (const verb of BOTH)
      expect(await world.ask(verb, documents(document), bound)).toMatch(
        /^forbidden: The token is limited to project "own"/,
      );
  });

  test('does not reach another project', async () => {
    const secret = manifest('Secret', 'x', { data: { key: 'value' } }, { project: 'other' });
    for (const verb of BOTH) expect(await world.ask(verb, documents(secret), bound)).toMatch(/^project_mismatch: /);
    expect(await world.ask('secret.create', { manifest: secret }, bound)).toMatch(/^project_mismatch: /);
    expect(await world.ask('secret.list', { limit: 1 }, bound, 'other')).toMatch(/^project_mismatch: /);
  });
});

describe('the scopes of a token', () => {
  test('apply to each document and to pruned resources', async () => {
    const scoped = user('root', { scopes: ['platform:apply', 'platform:plan', 'secret:write'] });
    const binding = manifest('OrganizationRoleBinding', 'more', { role: 'admin', users: ['bo'] });
    for (const verb of BOTH) {
      expect(await world.ask(verb, documents(binding), scoped)).toMatch(
        /^forbidden: The scopes of the token .*do not include organizationRoleBinding:write/,
      );
    }
    const owner = 'scoped';
    await world.dais.call(
      'platform.apply',
      { ...documents(manifest('Secret', 'kept', { data: { k: 'v' } })), owner },
      scoped,
    );
    for (const verb of BOTH) {
      const nothing = { ...documents(manifest('Secret', 'else', { data: { k: 'v' } })), owner, prune: true };
      expect(await world.ask(verb, nothing, scoped)).toMatch(/^forbidden: .*do not include secret:delete/);
    }
  });
});

describe('an editor', () => {
  const mine = (name: string) => manifest('RoleBinding', name, { role: 'admin', users: ['bo'] });

  test('cannot grant himself a role through any API', async () => {
    for (const name of ['new', 'editors', 'admins']) {
      for (const verb of BOTH) {
        expect(await world.ask(verb, { ...documents(mine(name)), takeOver: true }, user('bo'), 'own')).toMatch(
          /^forbidden/,
        );
      }
      expect(await world.ask('roleBinding.update', { name, manifest: mine(name) }, user('bo'), 'own')).toMatch(
        /^forbidden/,
      );
      expect(await world.ask('roleBinding.delete', { name }, user('bo'), 'own')).toMatch(/^forbidden/);
      expect(await world.ask('roleBinding.rollback', { name }, user('bo'), 'own')).toMatch(/^forbidden/);
    }
  });

  test('writes no policy, team or account', async () => {
    const cedar = '@id("mine") permit(principal, action, resource);';
    for (const [document, project] of [
      [manifest('Policy', 'mine', { cedar }), 'own'],
      [manifest('OrganizationPolicy', 'mine', { cedar }), undefined],
      [manifest('Team', 'mine', { members: ['bo'] }), undefined],
      [manifest('ServiceAccount', 'mine', {}), undefined],
      [manifest('OrganizationRoleBinding', 'mine', { role: 'admin', users: ['bo'] }), undefined],
    ] as const)
      expect(await world.ask('platform.apply', documents(document), user('bo'), project)).toMatch(/^forbidden/);
  });
});

describe('the secrets of others', () => {
  test('cannot be used through a channel of another author', async () => {
    const send = { type: 'slack', url: { secret: 'held', key: 'key' } };
    await world.apply(
      [manifest('Secret', 'held', { data: { key: 'value' } }), manifest('AlertChannel', 'theirs', { send })],
      'own',
    );
    expect(await world.ask('alertChannel.test', { name: 'theirs' }, user('bo'), 'own')).toBe('ok');
    const cedar = `@id("held") forbid(principal == Dais::User::"bo", action == Dais::Action::"secret:use", resource == Dais::Secret::"own/held");`;
    await world.apply([manifest('OrganizationPolicy', 'held', { cedar })]);
    expect(await world.ask('alertChannel.test', { name: 'theirs' }, user('bo'), 'own')).toMatch(
      /^forbidden: .*Policy "held"/,
    );
    await world.dais.call('organizationPolicy.delete', { name: 'held' }, user('root'));
    const scoped = user('bo', { scopes: ['alertChannel:*'] });
    expect(await world.ask('alertChannel.test', { name: 'theirs' }, scoped, 'own')).toMatch(
      /^forbidden: .*do not include secret:use/,
    );
  });
});

describe('an admin of a project', () => {
  test('permits no action beyond the project by a policy of the project', async () => {
    const cedar = '@id("all") permit(principal == Dais::User::"bo", action, resource);';
    await world.apply([manifest('Policy', 'all', { cedar })], 'own');
    const secret = manifest('Secret', 'x', { data: { key: 'value' } });
    expect(await world.ask('roleBinding.list', { limit: 1 }, user('bo'), 'own')).toBe('ok');
    expect(await world.ask('secret.create', { manifest: secret }, user('bo'), 'other')).toMatch(
      /^not_found: There is no project/,
    );
    expect(await world.ask('user.list', { limit: 1 }, user('bo'), 'own')).toMatch(/^forbidden/);
    expect(await world.ask('key.list', {}, user('bo'), 'own')).toMatch(/^forbidden/);
    expect(await world.ask('organizationEvent.list', { limit: 1 }, user('bo'), 'own')).toMatch(/^forbidden/);
    const role = manifest('OrganizationRoleBinding', 'mine', { role: 'admin', users: ['bo'] });
    expect(await world.ask('platform.apply', documents(role), user('bo'), 'own')).toMatch(/^forbidden/);
    await world.dais.call('policy.delete', { name: 'all' }, { ...user('root'), projects: ['own'] });
  });

  test('cannot grant roles in the organization', async () => {
    const role = manifest('OrganizationRoleBinding', 'mine', { role: 'viewer', users: ['ada'] });
    for (const verb of BOTH) expect(await world.ask(verb, documents(role), user('ada'), 'own')).toMatch(/^forbidden/);
  });
});

describe('documents of other projects than that of the request', () => {
  const prod = { project: 'own', labels: { stage: 'prod' } };
  const isProd = 'when { resource.hasTag("stage") && resource.getTag("stage") == "prod" }';
  beforeAll(async () => {
    await world.apply([manifest('Secret', 'prod', { data: { key: 'value' } }, prod)]);
    await world.apply([manifest('User', 'staff', { email: 'staff@example.com' }, { labels: { stage: 'prod' } })]);
  });
  afterAll(async () => {
    await world.dais.call('organizationPolicy.delete', { name: 'prod' }, user('root'));
  });

  test('are decided by the current state', async () => {
    const cedar = `@id("prod") forbid(principal, action in [Dais::Action::"secret:write", Dais::Action::"secret:delete", Dais::Action::"secret:use", Dais::Action::"user:write"], resource)
      ${isProd};`;
    await world.apply([manifest('OrganizationPolicy', 'prod', { cedar })]);
    const relabeled = manifest('Secret', 'prod', { data: { key: 'mine' } }, { project: 'own' });
    const channel = manifest(
      'AlertChannel',
      'mine',
      { send: { type: 'slack', url: { secret: 'prod', key: 'key' } } },
      { project: 'own' },
    );
    const account = manifest('User', 'staff', { email: 'mine@example.com' });
    for (const verb of BOTH) {
      for (const document of [relabeled, channel, account])
        expect(await world.ask(verb, documents(document), user('root'))).toMatch(/^forbidden: .*Policy "prod"/);
    }
  });
});
