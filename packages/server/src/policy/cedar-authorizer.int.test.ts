import type { Event, Resource } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { service, startPolicyWorld, user, type PolicyWorld } from './cedar/testing/policy-world.ts';

let world: PolicyWorld;
const PROJECT = 'flights';

const policy = (name: string, cedar: string, more: object = {}) =>
  manifest('OrganizationPolicy', name, { cedar, ...more });
const secret = (name: string, labels: object = {}) => manifest('Secret', name, { data: { key: 'value' } }, { labels });
const names = (page: { readonly items: readonly Resource[] }) => page.items.map((item) => item.metadata.name);

beforeAll(async () => {
  world = await startPolicyWorld();
  await world.apply([
    manifest('Project', PROJECT),
    manifest('Project', 'elsewhere'),
    ...['ada', 'bo', 'cy', 'nobody', 'root'].map((name) => manifest('User', name, { email: `${name}@example.com` })),
    manifest('User', 'gone', { email: 'gone@example.com', suspended: true }),
    manifest('ServiceAccount', 'ci'),
    manifest('Team', 'all'),
    manifest('Team', 'vision', { members: ['bo'], parent: 'all' }),
    manifest('OrganizationRoleBinding', 'root', { role: 'admin', users: ['root', 'gone'] }),
  ]);
  await world.apply(
    [
      secret('open', { stage: 'dev' }),
      secret('hidden', { stage: 'prod' }),
      manifest('RoleBinding', 'admins', { role: 'admin', users: ['ada'] }),
      manifest('RoleBinding', 'editors', { role: 'editor', teams: ['all'], serviceAccounts: ['ci'] }),
      manifest('RoleBinding', 'viewers', { role: 'viewer', users: ['cy'] }),
    ],
    PROJECT,
  );
});
afterAll(async () => {
  await world.stop();
});

async function withPolicies(documents: readonly object[], work: () => Promise<void>, project?: string): Promise<void> {
  await world.apply(documents, project);
  try {
    await work();
  } finally {
    for (const { kind, metadata } of documents as { kind: string; metadata: { name: string } }[]) {
      const noun = kind.charAt(0).toLowerCase() + kind.slice(1);
      const context = { ...user('root'), ...(project !== undefined && { projects: [project] }) };
      await world.dais.call(`${noun}.delete`, { name: metadata.name }, context);
    }
  }
}

describe('roles', () => {
  test('a viewer reads, an editor of a parent team writes, an admin grants roles', async () => {
    expect(await world.ask('secret.get', { name: 'open' }, user('cy'), PROJECT)).toBe('ok');
    expect(await world.ask('secret.delete', { name: 'open' }, user('cy'), PROJECT)).toBe(
      'forbidden: user "cy" does not have the permission secret:delete on Secret "open" in project "flights". Roles with this permission: editor, admin. Ask an administrator of project "flights": ada.',
    );
    expect(await world.ask('secret.create', { manifest: secret('made') }, user('bo'), PROJECT)).toBe('ok');
    const binding = manifest('RoleBinding', 'more', { role: 'viewer', users: ['nobody'] });
    expect(await world.ask('roleBinding.create', { manifest: binding }, user('bo'), PROJECT)).toMatch(/^forbidden: /);
    expect(await world.ask('roleBinding.create', { manifest: binding }, user('ada'), PROJECT)).toBe('ok');
    expect(await world.ask('secret.get', { name: 'open' }, user('nobody'), PROJECT)).toBe('ok');
    await world.dais.call('roleBinding.delete', { name: 'more' }, { ...user('ada'), projects: [PROJECT] });
  });

  test('a principal without a role in a project gets no hint that it exists', async () => {
    const there = await world.ask('secret.get', { name: 'open' }, user('nobody'), PROJECT);
    expect(there).toBe('not_found: There is no project "flights".');
    expect(await world.ask('secret.get', { name: 'open' }, user('nobody'), 'nowhere')).toBe(
      'not_found: There is no project "nowhere".',
    );
    expect(await world.ask('secret.list', { limit: 10 }, user('ada'), 'elsewhere')).toMatch(/^not_found: /);
  });

  test('a member of a project sees only this project in the list', async () => {
    const page = await world.dais.call<{ items: Resource[] }>('project.list', { limit: 100 }, user('cy'));
    expect(names(page)).toEqual([PROJECT]);
    expect(await world.ask('project.get', { name: 'elsewhere' }, user('cy'))).toMatch(/^not_found: /);
  });

  test('an admin of a project does not change the project itself', async () => {
    const changed = manifest('Project', PROJECT, { description: 'mine' });
    expect(await world.ask('project.update', { name: PROJECT, manifest: changed }, user('ada'))).toMatch(
      /^forbidden: /,
    );
    expect(await world.ask('project.update', { name: PROJECT, manifest: changed }, user('root'))).toBe('ok');
  });

  test('a repeated read follows the roles, policies and limits of its token at that time', async () => {
    const read = async (more: Parameters<typeof user>[1] = {}, project = PROJECT, name = 'open') =>
      await world.ask('secret.get', { name }, user('nobody', more), project);
    const binding = manifest('RoleBinding', 'reader', { role: 'viewer', users: ['nobody'] });
    await withPolicies(
      [binding],
      async () => {
        for (const _ of ['decided', 'cached']) expect(await read()).toBe('ok');
        expect(await read({ scopes: ['secret:use'] })).toMatch(/^forbidden: The scopes of the token/);
        expect(await read({ project: 'elsewhere' }, 'elsewhere')).toMatch(/^not_found: /);
        expect(await read({}, PROJECT, 'missing')).toMatch(/^not_found: There is no Secret "missing"/);
        const forbid = '@id("p") forbid (principal, action, resource is Dais::Secret) when { context.mfa == false };';
        await withPolicies([policy('needs-mfa', forbid)], async () => {
          expect(await read()).toMatch(/^forbidden: /);
          for (const mfa of [true, false, true]) expect(await read({ mfa })).toMatch(mfa ? /^ok$/ : /^forbidden: /);
        });
        expect(await read()).toBe('ok');
      },
      PROJECT,
    );
    expect(await read()).toBe('not_found: There is no project "flights".');
  });

  test('a role in one project does not open another project by its name', async () => {
    for (const _ of ['decided', 'cached'])
      expect(await world.ask('project.get', { name: PROJECT }, user('cy'))).toBe('ok');
    expect(await world.ask('project.get', { name: 'elsewhere' }, user('cy'))).toMatch(/^not_found: /);
  });

  test('suspended or deleted accounts have no permissions', async () => {
    expect(await world.ask('secret.get', { name: 'open' }, user('gone'), PROJECT)).toMatch(
      /^forbidden: .*is suspended/,
    );
    expect(await world.ask('server.read', {}, user('gone'))).toMatch(/^forbidden: .*is suspended/);
    expect(await world.ask('secret.get', { name: 'open' }, user('stranger'), PROJECT)).toMatch(
      /^forbidden: .*was deleted/,
    );
  });

  test('an account that calls itself owner is not the owner', async () => {
    expect(await world.ask('key.list', {}, user('owner'))).toMatch(/^forbidden: /);
  });
});

describe('tokens', () => {
  test('do no more than their scopes', async () => {
    const scoped = user('ada', { scopes: ['secret:read'] });
    expect(await world.ask('secret.get', { name: 'open' }, scoped, PROJECT)).toBe('ok');
    expect(await world.ask('secret.delete', { name: 'open' }, scoped, PROJECT)).toBe(
      'forbidden: The scopes of the token (secret:read) do not include secret:delete. Use another token.',
    );
  });

  test('of one project have no effect outside of it', async () => {
    const bound = user('root', { project: PROJECT });
    expect(await world.ask('secret.get', { name: 'open' }, bound)).toBe('ok');
    expect(await world.ask('user.list', { limit: 10 }, bound)).toMatch(
      /^forbidden: The token is limited to project "flights"/,
    );
    expect(await world.ask('project.get', { name: PROJECT }, bound)).toBe('ok');
    expect(await world.ask('project.get', { name: 'elsewhere' }, bound)).toMatch(/^forbidden: /);
  });
});

describe('policies', () => {
  test('forbid with their message, independent of the role', async () => {
    const cedar = `@id("no-programs") @message("Programs may not delete secrets; ask a person")
      forbid(principal is Dais::ServiceAccount, action == Dais::Action::"secret:delete", resource);`;
    await withPolicies([policy('no-programs', cedar)], async () => {
      expect(await world.ask('secret.delete', { name: 'open' }, service('ci'), PROJECT)).toBe(
        'forbidden: service account "ci" does not have the permission secret:delete on Secret "open" in project "flights". Policy "no-programs": Programs may not delete secrets; ask a person. Ask an administrator of project "flights": ada.',
      );
    });
  });

  test('of a project apply to that project only', async () => {
    const cedar = '@id("frozen") forbid(principal, action == Dais::Action::"secret:write", resource);';
    await withPolicies(
      [manifest('Policy', 'frozen', { cedar })],
      async () => {
        expect(await world.ask('secret.create', { manifest: secret('x') }, user('root'), PROJECT)).toMatch(
          /Policy "flights\/frozen" forbids it/,
        );
        expect(await world.ask('secret.create', { manifest: secret('x') }, user('root'), 'elsewhere')).toBe('ok');
      },
      PROJECT,
    );
  });

  test('evaluate the result of a write and the current state', async () => {
    const cedar = `@id("prod") forbid(principal, action == Dais::Action::"secret:write", resource)
      when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
    await withPolicies([policy('prod', cedar)], async () => {
      const update = (name: string, stage: string) =>
        world.ask('secret.update', { name, manifest: secret(name, { stage }) }, user('ada'), PROJECT);
      expect(await update('open', 'prod')).toMatch(/^forbidden: /);
      expect(await update('hidden', 'dev')).toMatch(/^forbidden: /);
      expect(await update('open', 'dev')).toBe('ok');
      expect(
        await world.ask('secret.create', { manifest: secret('fresh', { stage: 'prod' }) }, user('ada'), PROJECT),
      ).toMatch(/^forbidden: /);
    });
  });

  test('compare the current state with the result of a write', async () => {
    const cedar = `@id("no-raise") forbid(principal, action == Dais::Action::"user:write", resource)
      when { context has desired && context.desired.clearance > resource.clearance };`;
    await withPolicies([policy('no-raise', cedar)], async () => {
      const raise = (clearance: number) =>
        world.ask(
          'user.update',
          { name: 'cy', manifest: manifest('User', 'cy', { email: 'cy@example.com', clearance }) },
          user('root'),
        );
      // The proposed state alone is not a raise: the policy compares it with the current state.
      expect(await raise(2)).toMatch(/Policy "no-raise"/);
      expect(await raise(0)).toBe('ok');
    });
  });

  test('a rollback restores only writable fields', async () => {
    const as = { ...user('ada'), projects: [PROJECT] };
    await world.dais.call('secret.create', { manifest: secret('back', { stage: 'prod' }) }, as);
    await world.dais.call('secret.update', { name: 'back', manifest: secret('back', { stage: 'dev' }) }, as);
    const cedar = `@id("prod") forbid(principal, action == Dais::Action::"secret:write", resource)
      when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
    await withPolicies([policy('prod', cedar)], async () => {
      expect(await world.ask('secret.rollback', { name: 'back' }, user('ada'), PROJECT)).toMatch(/^forbidden: /);
    });
    await world.dais.call('secret.delete', { name: 'back' }, as);
  });

  test('with numbers that JavaScript cannot hold are decided by cedar-wasm', async () => {
    const cedar = `@id("large") forbid(principal, action == Dais::Action::"user:write", resource)
      when { resource.clearance < 9223372036854775807 };`;
    await withPolicies([policy('large', cedar)], async () => {
      const changed = manifest('User', 'cy', { email: 'cy@example.com', clearance: 1 });
      expect(await world.ask('user.update', { name: 'cy', manifest: changed }, user('root'))).toMatch(/Policy "large"/);
    });
  });

  test('a policy that has an error denies, although others permit', async () => {
    const cedar = `@id("overflow") permit(principal, action == Dais::Action::"secret:delete", resource)
      when { 9223372036854775 * 9007199254740991 > 0 };`;
    await withPolicies([policy('overflow', cedar)], async () => {
      expect(await world.ask('secret.delete', { name: 'open' }, user('ada'), PROJECT)).toMatch(/Policy "overflow"/);
    });
  });

  test('hold for documents of an apply and of a plan, each for itself', async () => {
    const cedar = '@id("frozen") forbid(principal, action == Dais::Action::"secret:write", resource);';
    await withPolicies([policy('frozen', cedar)], async () => {
      const text = JSON.stringify(secret('applied'));
      const input = { sources: [{ file: 'a.yaml', text }], prune: false, takeOver: false };
      expect(await world.ask('platform.apply', input, user('ada'), PROJECT)).toMatch(/Policy "frozen"/);
      expect(await world.ask('platform.plan', input, user('ada'), PROJECT)).toMatch(/Policy "frozen"/);
    });
  });
});

describe('lists', () => {
  const cedar = `@id("no-prod") forbid(principal == Dais::User::"bo", action == Dais::Action::"secret:read", resource)
    when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;

  test('omit unreadable resources, page by page; by name they do not exist', async () => {
    await withPolicies([policy('no-prod', cedar)], async () => {
      const as = { ...user('bo'), projects: [PROJECT] };
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page: { items: Resource[]; nextCursor?: string } = await world.dais.call(
          'secret.list',
          { limit: 1, ...(cursor !== undefined && { cursor }) },
          as,
        );
        // A page shorter than the limit would reveal how many rows are hidden.
        expect(page.items).toHaveLength(1);
        seen.push(...names(page));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).not.toContain('hidden');
      expect(seen).toContain('open');
      const hidden = await world.ask('secret.get', { name: 'hidden' }, user('bo'), PROJECT);
      const missing = await world.ask('secret.get', { name: 'missing' }, user('bo'), PROJECT);
      expect(hidden).toBe('not_found: There is no Secret "hidden".');
      expect(missing).toBe('not_found: There is no Secret "missing".');
      // Its answer would show what the policy hides.
      expect(await world.ask('secret.delete', { name: 'hidden' }, user('bo'), PROJECT)).toBe(hidden);
    });
  });

  test('a stream ends when permissions change, and its reader is authorized again', async () => {
    const as = { ...user('cy'), projects: [PROJECT] };
    const frames = await world.dais.watch('secret.watch', {}, as);
    let ended = false;
    const reading = (async () => {
      for await (const frame of frames) expect(frame).toHaveProperty('type');
      ended = true;
    })();
    await world.apply([manifest('User', 'cy', { email: 'cy@example.com', suspended: true })]);
    await expect
      .poll(() => {
        world.clock.advance(1000);
        return ended;
      })
      .toBe(true);
    await reading;
    expect(await codeOf(world.dais.watch('secret.watch', {}, as))).toBe('forbidden');
    await world.apply([manifest('User', 'cy', { email: 'cy@example.com' })]);
  });

  test('events about kinds that are not fully readable are hidden', async () => {
    await withPolicies([policy('no-prod', cedar)], async () => {
      const input = { limit: 100 };
      const events = async (name: string) =>
        (
          await world.dais.call<{ items: Event[] }>('event.list', input, { ...user(name), projects: [PROJECT] })
        ).items.map((event) => event.subject?.kind);
      await expect.poll(async () => await events('ada')).toContain('Secret');
      expect(await events('bo')).not.toContain('Secret');
      expect(await events('bo')).toContain('RoleBinding');
    });
  });
});

describe('secrets of others', () => {
  const channel = (name: string, of: string) =>
    manifest('AlertChannel', name, { send: { type: 'slack', url: { secret: of, key: 'key' } } });

  test('can be used only by permitted principals', async () => {
    const cedar = `@id("own-secrets") @message("This secret is not for alert channels")
      forbid(principal, action == Dais::Action::"secret:use", resource == Dais::Secret::"flights/open");`;
    await withPolicies([policy('own-secrets', cedar)], async () => {
      const refused = await world.ask('alertChannel.create', { manifest: channel('a', 'open') }, user('bo'), PROJECT);
      expect(refused).toMatch(/permission secret:use on Secret "open".*This secret is not for alert channels/);
      expect(await world.ask('alertChannel.create', { manifest: channel('a', 'hidden') }, user('bo'), PROJECT)).toBe(
        'ok',
      );
    });
  });

  test('an unreadable resource returns the same error as a missing one', async () => {
    const cedar = `@id("no-prod") forbid(principal == Dais::User::"bo", action in [Dais::Action::"secret:read", Dais::Action::"secret:use"], resource)
      when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
    await withPolicies([policy('no-prod', cedar)], async () => {
      const ask = (of: string) => world.ask('alertChannel.create', { manifest: channel('b', of) }, user('bo'), PROJECT);
      expect((await ask('hidden')).replaceAll('hidden', 'X')).toBe((await ask('missing')).replaceAll('missing', 'X'));
    });
  });
});

describe('refusals', () => {
  const denials = async () =>
    (
      await world.dais.call<{ items: Event[] }>(
        'organizationEvent.list',
        { limit: 1000, type: 'access.denied' },
        user('root'),
      )
    ).items.filter((event) => event.actor.id === 'nobody' && event.data['action'] === 'secret:rotate');

  test('are on record before they are answered; repeated ones are counted', async () => {
    const refused = () => world.ask('secret.rotate', { name: 'open' }, user('nobody'), PROJECT);
    expect(await refused()).toMatch(/^not_found: /);
    await expect.poll(async () => (await denials()).length).toBe(1);
    expect((await denials())[0]?.data).toEqual({
      action: 'secret:rotate',
      kind: 'Secret',
      name: 'open',
      project: PROJECT,
      policies: [],
      repeated: 0,
    });
    for (let i = 0; i < 3; i++) await refused();
    world.clock.advance(60_000);
    await expect.poll(async () => (await denials())[0]?.data['repeated']).toBe(3);
    expect(await denials()).toHaveLength(2);
  });
});
