import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { BREAK_GLASS, service, startPolicyWorld, user, type PolicyWorld } from './testing/policy-world.ts';

let world: PolicyWorld;
const PROJECT = 'flights';
const FROZEN = `@id("frozen") @message("Nothing changes this week") @severity("blocking")
forbid(principal, action == Dais::Action::"alertChannel:write", resource);`;
const UNSEEN = `@id("unseen") forbid(principal == Dais::User::"bo", action == Dais::Action::"secret:read", resource)
when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;
const KEPT = `@id("kept") forbid(principal, action == Dais::Action::"secret:delete", resource)
when { resource.hasTag("stage") && resource.getTag("stage") == "prod" };`;

beforeAll(async () => {
  world = await startPolicyWorld();
  await world.apply([
    manifest('Project', PROJECT),
    ...['ada', 'bo'].map((name) => manifest('User', name, { email: `${name}@example.com` })),
    manifest('ServiceAccount', 'ci'),
    manifest('Team', 'all'),
    manifest('Team', 'vision', { members: ['bo'], parent: 'all' }),
    manifest('OrganizationPolicy', 'frozen', { cedar: FROZEN }),
    manifest('OrganizationPolicy', 'unseen', { cedar: UNSEEN }),
    manifest('OrganizationPolicy', 'kept', { cedar: KEPT }),
  ]);
  await world.apply(
    [
      manifest('Secret', 'dev-db', {}, { labels: { stage: 'dev' } }),
      manifest('Secret', 'prod-db', {}, { labels: { stage: 'prod' } }),
      manifest('RoleBinding', 'admins', { role: 'admin', users: ['ada'] }),
      manifest('RoleBinding', 'viewers', { role: 'viewer', teams: ['vision'] }),
    ],
    PROJECT,
  );
});
afterAll(async () => {
  await world.stop();
});

interface Why {
  readonly decision: string;
  readonly principal: string;
  readonly reasons: readonly object[];
  readonly suggestions: readonly string[];
}

const call = async <T>(name: string, input: object, as: ReturnType<typeof user>) =>
  await world.dais.call<T>(name, input, { ...as, projects: [PROJECT] });

describe('why', () => {
  const why = (input: object, as = user('ada')) => call<Why>('policy.why', input, as);

  test('names the role that permits', async () => {
    expect(await why({ principal: 'user:bo', action: 'secret:read', resource: 'Secret/dev-db' })).toMatchObject({
      decision: 'allow',
      reasons: [{ id: `RoleBinding/${PROJECT}/viewers`, effect: 'permit' }],
      suggestions: [],
    });
  });

  test('names the roles that would permit', async () => {
    expect(await why({ principal: 'user:bo', action: 'secret:delete', resource: 'Secret/dev-db' })).toMatchObject({
      decision: 'deny',
      reasons: [],
      suggestions: [expect.stringContaining('editor, admin in project "flights"')],
    });
  });

  test('names the forbidding policy with its message', async () => {
    expect(await why({ action: 'alertChannel:write' })).toMatchObject({
      principal: 'user:ada',
      decision: 'deny',
      reasons: [{ id: 'frozen', effect: 'forbid', message: 'Nothing changes this week', severity: 'blocking' }],
      suggestions: ['Policy "frozen": Nothing changes this week'],
    });
  });

  test('a policy about some resources is not the reason for a denial without a role', async () => {
    expect(await why({ action: 'secret:delete' })).toMatchObject({
      decision: 'conditional',
      reasons: [{ id: `RoleBinding/${PROJECT}/admins` }, { id: 'kept' }],
    });
    expect(await why({ principal: 'user:bo', action: 'secret:delete' })).toMatchObject({
      decision: 'deny',
      reasons: [],
      suggestions: [expect.stringContaining('editor, admin in project "flights"')],
    });
  });

  test('reports when it depends on the resource', async () => {
    expect(await why({ principal: 'user:bo', action: 'secret:read' })).toMatchObject({ decision: 'conditional' });
    expect(
      await why({ principal: 'user:bo', action: 'secret:read', resource: `Secret/${PROJECT}/prod-db` }),
    ).toMatchObject({ decision: 'deny', reasons: [{ id: 'unseen' }] });
  });

  test('everyone can query their own permissions, and those that they may read', async () => {
    expect(await why({ action: 'secret:read', resource: 'Secret/dev-db' }, user('bo'))).toMatchObject({
      decision: 'allow',
    });
    expect(
      await world.ask('policy.why', { action: 'secret:read', resource: 'Secret/prod-db' }, user('bo'), PROJECT),
    ).toBe('not_found: There is no Secret "prod-db".');
    const other = { principal: 'user:ada', action: 'secret:read' };
    expect(await world.ask('policy.why', other, service('ci'), PROJECT)).toMatch(/^not_found: There is no project/);
  });

  test('the owner of the installation has all permissions', async () => {
    expect(await why({ action: 'alertChannel:write' }, { principal: BREAK_GLASS })).toMatchObject({
      decision: 'allow',
      reasons: [{ id: 'break-glass' }],
    });
  });

  test('an unknown action returns the nearest one', async () => {
    await expect(why({ action: 'secret:reed' })).rejects.toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'action', nearest: 'secret:read' }],
    });
    await expect(why({ action: 'secret:read', resource: 'Team/vision' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});

interface Access {
  readonly teams: readonly string[];
  readonly items: readonly { readonly kind: string; readonly action: string; readonly decision: string }[];
}

describe('permissions of a principal', () => {
  test('are listed for every kind and action', async () => {
    const { teams, items } = await call<Access>('access.mine', {}, user('bo'));
    const decision = (action: string) => items.find((item) => item.action === action)?.decision;
    expect(teams).toEqual(['all', 'vision']);
    expect(['secret:read', 'secret:write', 'alertChannel:read', 'access:mine', 'user:read'].map(decision)).toEqual([
      'conditional',
      'deny',
      'allow',
      'allow',
      'deny',
    ]);
  });

  test('of others are visible as far as they belong to the project, or if accounts are readable', async () => {
    await world.apply([
      manifest('User', 'zoe', { email: 'zoe@example.com', suspended: true }),
      manifest('Team', 'quiet', { members: ['zoe', 'bo'] }),
    ]);
    const about = async (principal: string) => {
      const answers = [
        await world.ask('access.of', { principal }, user('ada'), PROJECT),
        await world.ask('policy.why', { principal, action: 'secret:read' }, user('ada'), PROJECT),
      ];
      return answers.map((answer) => answer.replaceAll(principal.slice(5), 'NAME'));
    };
    expect(await about('user:zoe')).toEqual(await about('user:nobody'));
    const { teams } = await call<Access>('access.of', { principal: 'user:bo' }, user('ada'));
    expect(teams).toEqual(['vision']);
    const seen = await call<Access>('access.of', { principal: 'user:bo' }, { principal: BREAK_GLASS });
    expect(seen.teams).toEqual(['all', 'quiet', 'vision']);
  });

  test('of others are visible to readers of policies', async () => {
    const { items } = await call<Access>('access.of', { principal: 'user:ada' }, user('ada'));
    expect(items.find((item) => item.action === 'policy:write')?.decision).toBe('allow');
    expect(await world.ask('access.of', { principal: 'user:nobody' }, user('ada'), PROJECT)).toMatch(/^not_found: /);
    expect(await world.ask('access.of', { principal: 'user:ada' }, service('ci'), PROJECT)).toMatch(/^not_found: /);
  });
});

describe('simulation', () => {
  interface Simulated {
    readonly examined: number;
    readonly changes: readonly { readonly action: string; readonly before: string; readonly after: string }[];
  }

  test('repeats the latest decisions with other policies', async () => {
    const made = manifest('Secret', 'simulated', {});
    await call('secret.create', { manifest: made }, user('ada'));
    expect(await world.ask('secret.delete', { name: 'simulated' }, user('bo'), PROJECT)).toMatch(/^forbidden: /);
    const refused = manifest('AlertChannel', 'a', { send: { type: 'webhook', url: 'https://example.com/' } });
    expect(await world.ask('alertChannel.create', { manifest: refused }, user('ada'), PROJECT)).toMatch(/^forbidden: /);
    const cedar = '@id("no-secrets") forbid(principal, action == Dais::Action::"secret:write", resource);';
    const simulate = (candidates: readonly object[]) =>
      call<Simulated>('policy.simulate', { candidates, decisions: 100 }, user('ada'));
    const stricter = [{ kind: 'Policy', name: 'new', cedar }];
    // Two of them were refused by the tests before.
    await expect.poll(async () => (await simulate(stricter)).examined).toBe(5);
    expect((await simulate(stricter)).changes).toEqual([
      expect.objectContaining({ action: 'secret:write', before: 'allow', after: 'deny' }),
    ]);
    const thawed = [{ kind: 'OrganizationPolicy', name: 'frozen' }];
    expect((await simulate(thawed)).changes).toEqual([
      expect.objectContaining({ action: 'alertChannel:write', before: 'deny', after: 'allow' }),
    ]);
  });

  test('rejects an invalid policy text', async () => {
    const candidates = [{ kind: 'Policy', name: 'new', cedar: 'permit(principal, action, resource);' }];
    await expect(call('policy.simulate', { candidates }, user('ada'))).rejects.toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'candidates[0].cedar', message: 'has no `@id`' }],
    });
    expect(await world.ask('policy.simulate', { candidates }, user('bo'), PROJECT)).toMatch(/^forbidden: /);
  });
});

describe('admission', () => {
  const applied = async (text: string) =>
    await world.dais.apply(text, {}, { principal: BREAK_GLASS }).catch((error: unknown) => error);
  const document = (cedar: readonly string[], name = 'tried') =>
    [
      'apiVersion: dais.dev/v1',
      'kind: OrganizationPolicy',
      'metadata:',
      `  name: ${name}`,
      'spec:',
      '  cedar: |',
      ...cedar.map((line) => `    ${line}`),
      '',
    ].join('\n');

  test('reports each error with its line in the file and the nearest word', async () => {
    const text = document([
      '// who may delete',
      '@id("tried")',
      'forbid(principal, action == Dais::Action::"secret:delete", resource)',
      '  when { resource.ownr == "é" };',
    ]);
    expect(await applied(text)).toMatchObject({
      code: 'invalid_manifest',
      issues: [{ file: 'test.yaml', path: 'spec.cedar', line: 10, column: 14, nearest: 'owner' }],
    });
    expect(await applied(document(['@id("a") permit(principal, action, resource) when { 1 +};']))).toMatchObject({
      issues: [{ line: 7, column: 60 }],
    });
    expect(
      await applied(document(['@id("a")', 'permit(principal, action == Dais::Action::"secret:reed", resource);'])),
    ).toMatchObject({
      issues: [{ line: 8, nearest: 'Dais::Action::"secret:read"' }],
    });
  });

  test('rejects a query without a possible positive result', async () => {
    const policyText = (what: string) =>
      document([
        '@id("policyText") forbid(principal, action == Dais::Action::"secret:delete", resource)',
        `  when { resource has ${what} };`,
      ]);
    expect(await applied(policyText('nmae'))).toMatchObject({
      code: 'invalid_manifest',
      issues: [{ path: 'spec.cedar', line: 8, nearest: 'resource has name' }],
    });
    expect(await applied(policyText('qqqqqqqqqqqqqqqqqqqq'))).toMatchObject({
      issues: [
        { message: expect.stringContaining('`qqqqqqqqqqqqqqqqqqqq`'), expected: expect.stringContaining('name') },
      ],
    });
  });

  test('requires a unique id for each policy', async () => {
    const plain = (id: string) => `@id("${id}") forbid(principal, action == Dais::Action::"secret:delete", resource);`;
    expect(await applied(document([plain('frozen')]))).toMatchObject({
      code: 'invalid_manifest',
      issues: [{ message: 'has the @id "frozen", which OrganizationPolicy "frozen" already uses' }],
    });
    expect(await applied(document([plain('x'), plain('x')]))).toMatchObject({
      issues: [{ message: 'the @id "x" is used twice', line: 8 }],
    });
    const twins = `${document([plain('twin')], 'one')}---\n${document([plain('twin')], 'two')}`;
    expect(await applied(twins)).toMatchObject({ code: 'invalid_manifest' });
    expect(await applied(document(['permit(principal == ?principal, action, resource);']))).toMatchObject({
      issues: [{ message: expect.stringContaining('is a template with a slot') }],
    });
  });

  test('rejects a policy for lists with a condition that cannot filter lists', async () => {
    const text = document([
      '@id("arithmetic")',
      'forbid(principal, action == Dais::Action::"user:read", resource)',
      '  when { resource.clearance + 1 > 2 };',
    ]);
    expect(await applied(text)).toMatchObject({
      code: 'invalid_manifest',
      issues: [{ line: 9, message: expect.stringContaining('lists of User') }],
    });
  });

  test('runs the test cases of a policy', async () => {
    const tests = [
      'tests:',
      '  - name: programs do not',
      '    principal: service:ci',
      '    action: secret:delete',
      '    resource: Secret/x',
      '    expect: silent',
      '',
    ].map((line) => `  ${line}`);
    const policy = '@id("tried") forbid(principal, action == Dais::Action::"secret:delete", resource);';
    expect(await applied(document([policy]) + tests.join('\n'))).toMatchObject({
      code: 'invalid_manifest',
      issues: [
        {
          path: 'spec.tests[0]',
          line: 9,
          message: 'test "programs do not" returned refused (tried)',
          expected: 'silent',
        },
      ],
    });
  });

  test('stores the content of a policy in its status', async () => {
    const { status } = await world.dais.call<{ status: object }>(
      'organizationPolicy.get',
      { name: 'frozen' },
      { principal: BREAK_GLASS },
    );
    expect(status).toMatchObject({
      policies: [{ id: 'frozen', effect: 'forbid', message: 'Nothing changes this week' }],
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

test('reports a policy that is nested too deeply, without an effect on the parser', async () => {
  const deep = `@id("deep") forbid(principal, action, resource) when { ${'('.repeat(5000)}true${')'.repeat(5000)} };`;
  const wide = `@id("wide") forbid(principal, action, resource) when { ${'true || '.repeat(8000)}true };`;
  for (const cedar of [deep, wide]) {
    const document = manifest('OrganizationPolicy', 'deep', { cedar });
    const text = JSON.stringify(document);
    expect(await world.ask('policy.test', { file: 'p.json', text }, user('bo'), PROJECT)).toMatch(
      /^invalid_manifest: .*a policy (is nested|has more)/,
    );
    expect(await world.ask('organizationPolicy.create', { manifest: document }, { principal: BREAK_GLASS })).toMatch(
      /^invalid_manifest: /,
    );
  }
  const fine = manifest('OrganizationPolicy', 'fine', {
    cedar: '@id("fine") forbid(principal, action == Dais::Action::"key:rotate", resource);',
  });
  expect(await world.ask('organizationPolicy.create', { manifest: fine }, { principal: BREAK_GLASS })).toBe('ok');
});

test('cases of a file are tried without being applied', async () => {
  const text = `apiVersion: dais.dev/v1
kind: Policy
metadata: { name: tried }
spec:
  cedar: '@id("tried") forbid(principal, action == Dais::Action::"secret:delete", resource);'
  tests:
    - { name: yes, principal: 'user:x', action: 'secret:delete', resource: Secret/a, expect: refused }
    - { name: no, principal: 'user:x', action: 'secret:read', resource: Secret/a, expect: refused }
`;
  expect(await call('policy.test', { file: 'p.yaml', text }, user('ada'))).toMatchObject({
    passed: 1,
    failed: 1,
    cases: [
      { policy: 'Policy/tried', passed: true },
      { policy: 'Policy/tried', passed: false, actual: 'silent' },
    ],
  });
});
