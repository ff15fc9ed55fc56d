/** Resources that a caller may not see must not affect responses about other resources. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallContext } from '#kernel/context.ts';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { BREAK_GLASS, startPolicyWorld, user, type PolicyWorld } from './cedar/testing/policy-world.ts';

let world: PolicyWorld;

beforeAll(async () => {
  world = await startPolicyWorld();
  await world.apply([
    manifest('Project', 'own'),
    manifest('Project', 'hidden'),
    ...['bo', 'stranger'].map((name) => manifest('User', name, { email: `${name}@example.com` })),
  ]);
  await world.apply([manifest('RoleBinding', 'editors', { role: 'editor', users: ['bo'] })], 'own');
});
afterAll(async () => {
  await world.stop();
});

const secret = (name: string, more: object = {}) => manifest('Secret', name, { data: { key: 'value' } }, more);
const sources = (...documents: readonly object[]) => [
  { file: 'a.yaml', text: documents.map((one) => JSON.stringify(one)).join('\n---\n') },
];

/** The complete response, without the name of the project. */
async function readError(
  project: string,
  { name, input }: { readonly name: string; readonly input: unknown },
  as: Partial<CallContext>,
): Promise<string> {
  const whole = async () => {
    try {
      return await world.dais.call(name, input, { ...as, projects: [project] });
    } catch (error) {
      const { code, message, issues, holders } = error as Record<string, unknown>;
      return { code, message, issues, holders };
    }
  };
  return JSON.stringify(await whole()).replaceAll(project, 'PROJECT');
}

test.each([
  ['an apply', 'platform.apply', { sources: sources(secret('x')), prune: false, takeOver: false }],
  ['a plan', 'platform.plan', { sources: sources(secret('x')), prune: false, takeOver: false }],
  ['a question about oneself', 'access.mine', {}],
  ['a reason', 'policy.why', { action: 'secret:read' }],
  ['a test of policies', 'policy.test', { file: 'a.yaml', text: JSON.stringify(secret('x')) }],
])('%s returns the same error for a hidden project and a missing one', async (_title, name, input) => {
  for (const who of ['bo', 'stranger']) {
    expect(await readError('hidden', { name, input }, user(who))).toBe(
      await readError('nowhere', { name, input }, user(who)),
    );
  }
});

test('documents with a hidden project return the same error as with a missing one', async () => {
  const ask = async (project: string) => {
    const { metadata, ...rest } = secret('x') as { metadata: object };
    const input = { sources: sources({ ...rest, metadata: { ...metadata, project } }), prune: false, takeOver: false };
    const answer = world.dais.call('platform.apply', input, user('bo'));
    return await answer.catch(({ code, message, issues }: Record<string, unknown>) =>
      JSON.stringify([code, message, issues]).replaceAll(project, 'PROJECT'),
    );
  };
  expect(await ask('hidden')).toBe(await ask('nowhere'));
});

test('pruning a set does not reveal projects of others with the same name', async () => {
  const owner = 'shared-name';
  const asOwner = { principal: BREAK_GLASS };
  await world.dais.apply([secret('theirs')], { owner }, { ...asOwner, projects: ['hidden'] });
  await world.dais.apply([secret('mine'), secret('old')], { owner }, { ...user('bo'), projects: ['own'] });
  const { metadata, ...rest } = secret('mine') as { metadata: object };
  const input = {
    sources: sources({ ...rest, metadata: { ...metadata, project: 'own' } }),
    owner,
    prune: true,
    takeOver: false,
  };
  for (const verb of ['plan', 'apply']) {
    const { changes } = await world.dais.call<{ changes: { name: string; action: string }[] }>(
      `platform.${verb}`,
      input,
      user('bo'),
    );
    expect(changes.map(({ name, action }) => [name, action])).toEqual([
      ['mine', 'unchanged'],
      ['old', 'delete'],
    ]);
  }
  const kept = await world.dais.call('secret.get', { name: 'theirs' }, { ...asOwner, projects: ['hidden'] });
  expect(kept.metadata.name).toBe('theirs');
});

test('a plan reports a hidden secret like a missing one, as apply does', async () => {
  await world.apply([secret('prod', { labels: { stage: 'prod' } })], 'own');
  const cedar = `@id("no-prod") forbid(principal == Dais::User::"bo", action in [Dais::Action::"secret:read", Dais::Action::"secret:use"], resource)
    when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
  await world.apply([manifest('OrganizationPolicy', 'no-prod', { cedar })]);
  const channel = (of: string) => ({
    sources: sources(manifest('AlertChannel', 'a', { send: { type: 'slack', url: { secret: of, key: 'key' } } })),
    prune: false,
    takeOver: false,
  });
  for (const verb of ['plan', 'apply']) {
    const ask = async (of: string) =>
      (await world.ask(`platform.${verb}`, channel(of), user('bo'), 'own')).replaceAll(of, 'SECRET');
    expect(await ask('prod')).toMatch(/^reference_not_found: /);
    expect(await ask('prod')).toBe(await ask('missing'));
    // Neither the first item nor the number of items may differ.
    const among = async (of: string) => {
      const more = manifest('AlertChannel', 'b', { send: { type: 'slack', url: { secret: 'nowhere', key: 'key' } } });
      const text = `${channel(of).sources[0]?.text ?? ''}\n---\n${JSON.stringify(more)}`;
      const input = { ...channel(of), sources: [{ file: 'a.yaml', text }] };
      return (await readError('own', { name: `platform.${verb}`, input }, user('bo'))).replaceAll(of, 'SECRET');
    };
    expect(await among('prod')).toContain('nowhere');
    expect(await among('prod')).toBe(await among('missing'));
  }
  await world.dais.call('organizationPolicy.delete', { name: 'no-prod' }, { principal: BREAK_GLASS });
});

describe('the blocking references of a deletion are listed as far as they are visible', () => {
  const remove = async (name: string, input: object, project?: string) =>
    await readError(project ?? 'own', { name, input }, user('bo'));
  const channel = (name: string, secretName: string, labels: object = {}) =>
    manifest('AlertChannel', name, { send: { type: 'slack', url: { secret: secretName, key: 'key' } } }, { labels });

  test('holders that a policy hides', async () => {
    await world.apply([secret('used'), channel('open', 'used'), channel('quiet', 'used', { stage: 'prod' })], 'own');
    const cedar = `@id("quiet") forbid(principal == Dais::User::"bo", action == Dais::Action::"alertChannel:read", resource)
      when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
    await world.apply([manifest('OrganizationPolicy', 'quiet', { cedar })]);
    const both = await remove('secret.delete', { name: 'used' });
    expect(both).toContain('AlertChannel \\"open\\" (spec.send.url.secret), others that you may not see.');
    expect(both).toContain('"holders":["AlertChannel/open"]');
    expect(both).not.toContain('quiet');
    await world.dais.call('alertChannel.delete', { name: 'open' }, { principal: BREAK_GLASS, projects: ['own'] });
    expect(await remove('secret.delete', { name: 'used' })).toMatch(/is used by others that you may not see/);
    await world.dais.call('organizationPolicy.delete', { name: 'quiet' }, { principal: BREAK_GLASS });
  });

  test('holders in a hidden project, and their content', async () => {
    await world.apply([manifest('Team', 'core')]);
    await world.apply([manifest('RoleBinding', 'secret-plan', { role: 'viewer', teams: ['core'] })], 'hidden');
    const cedar = `@id("may") permit(principal == Dais::User::"bo",
      action in [Dais::Action::"team:read", Dais::Action::"team:delete", Dais::Action::"project:read", Dais::Action::"project:delete"], resource);`;
    await world.apply([manifest('OrganizationPolicy', 'may', { cedar })]);
    expect(await readError('own', { name: 'team.delete', input: { name: 'core' } }, user('bo'))).toMatch(
      /still_referenced.*others that you may not see.*"holders":\[\]/,
    );
    const whole = await remove('project.delete', { name: 'hidden' }, 'nothing');
    expect(whole).toMatch(/still_referenced.*others that you may not see.*"holders":\[\]/);
    await world.dais.call('organizationPolicy.delete', { name: 'may' }, { principal: BREAK_GLASS });
  });
});

describe('writable but unreadable objects', () => {
  beforeAll(async () => {
    await world.apply([secret('sealed', { labels: { stage: 'prod' } })], 'own');
    const cedar = `@id("sealed") forbid(principal == Dais::User::"bo", action == Dais::Action::"secret:read", resource)
      when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };
      @id("frozen") forbid(principal == Dais::User::"bo", action == Dais::Action::"secret:write", resource)
      when { context has desired && context.desired.name like "*e*" };`;
    await world.apply([manifest('OrganizationPolicy', 'sealed', { cedar })]);
  });
  afterAll(async () => {
    await world.dais.call('organizationPolicy.delete', { name: 'sealed' }, { principal: BREAK_GLASS });
  });

  test('is rejected like a missing resource where writes are denied', async () => {
    for (const verb of ['apply', 'plan']) {
      const ask = async (name: string) =>
        (
          await readError(
            'own',
            { name: `platform.${verb}`, input: { sources: sources(secret(name)), prune: false, takeOver: false } },
            user('bo'),
          )
        ).replaceAll(name, 'NAME');
      expect(await ask('sealed')).toBe(await ask('absent-one'));
    }
    const create = async (name: string) =>
      (await readError('own', { name: 'secret.create', input: { manifest: secret(name) } }, user('bo'))).replaceAll(
        name,
        'NAME',
      );
    expect(await create('sealed')).toBe(await create('absent-one'));
  });

  test('is not revealed by changes, deletion or restore', async () => {
    for (const [name, input] of [
      ['secret.delete', { name: 'sealed' }],
      ['secret.rollback', { name: 'sealed' }],
      ['secret.history', { name: 'sealed', limit: 10 }],
      ['secret.rotate', { name: 'sealed' }],
    ] as const)
      expect(await readError('own', { name, input }, user('bo'))).toBe(
        '{"code":"not_found","message":"There is no Secret \\"sealed\\"."}',
      );
  });
});
