import { readFile } from 'node:fs/promises';
import type { Event } from '@dais/api';
import type { Approval, ApprovalRule, ModelVersion, RegisteredModel } from '@dais/api/registry';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallContext } from '#kernel/context.ts';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { person, startRegistryWorld, type RegistryProject, type RegistryWorld } from '../testing/registry-world.ts';

let world: RegistryWorld;
let p: RegistryProject;

const PEOPLE = ['ada', 'bob', 'eve', 'ida', 'max'] as const;
const RULE: ApprovalRule = { aliases: ['champion'], stages: ['Production'], teams: [{ team: 'risk' }] };

beforeAll(async () => {
  world = await startRegistryWorld();
  p = await world.project();
  await world.apply(PEOPLE.map((name) => manifest('User', name, { email: `${name}@example.com` })));
  await world.apply([
    manifest('Team', 'risk', { members: ['ida'] }),
    manifest('Team', 'desk', { members: ['eve'], parent: 'risk' }),
    manifest('Team', 'science', { members: ['ada', 'bob', 'max'] }),
  ]);
  await world.apply(
    [
      manifest('RoleBinding', 'editors', { role: 'editor', users: ['ada', 'bob'] }),
      manifest('RoleBinding', 'approvers', { role: 'approver', teams: ['risk'], users: ['ada', 'max'] }),
    ],
    p.name,
  );
});
afterAll(async () => {
  await world.stop();
});

interface ApprovalFixture {
  readonly name: string;
  readonly approval: Approval;
  readonly approve: (who: string, reason?: string) => Promise<Approval>;
  readonly reject: (who: string, reason?: string) => Promise<Approval>;
  readonly withdraw: (who: string) => Promise<Approval>;
  readonly move: (who?: string) => Promise<ModelVersion>;
}

const as = (who: string): Partial<CallContext> => person(who);

/** Registered by ada, who requests the alias for version 1. */
async function requested(
  rules: readonly ApprovalRule[] = [RULE],
  input: object = { alias: 'champion' },
): Promise<ApprovalFixture> {
  const name = await p.model({ approvals: rules });
  await p.call('modelVersion.create', { name, source: 's3://bucket/m' }, as('ada'));
  const request = { name, version: '1', reason: 'Better on every slice', ...input };
  const approval = await p.call<Approval>('modelApproval.request', request, as('ada'));
  const one = { name, number: String(approval.number) };
  return {
    name,
    approval,
    approve: (who, reason = '') => p.call<Approval>('modelApproval.approve', { ...one, reason }, as(who)),
    reject: (who, reason = 'no') => p.call<Approval>('modelApproval.reject', { ...one, reason }, as(who)),
    withdraw: (who) => p.call<Approval>('modelApproval.withdraw', one, as(who)),
    move: (who = 'bob') => p.call<ModelVersion>('modelAlias.set', { name, alias: 'champion', version: '1' }, as(who)),
  };
}

const aliasesOf = async (name: string) => (await p.call<RegisteredModel>('registeredModel.get', { name })).aliases;

async function eventsOf(name: string): Promise<Event[]> {
  const { items } = await p.call<{ items: Event[] }>('event.list', { kind: 'Model', name, limit: 1000 });
  return items.toReversed();
}

describe('an alias with a rule', () => {
  test('moves only when the rule is met; the error names the missing approvals', async () => {
    const { name, approval, approve, move } = await requested();
    expect(approval).toMatchObject({
      number: 1,
      state: 'pending',
      requestedBy: { type: 'user', id: 'ada' },
      missing: [{ team: 'risk', approvals: 1 }],
    });
    const error = await errorOf(move());
    expect(error.code).toBe('approval_missing');
    expect(error.message).toBe(
      `Version 1 of Model "${name}" needs approval for the alias "champion" by a member of Team "risk". Approval 1 is pending.`,
    );
    const approved = await approve('ida', 'Measured again');
    expect(approved).toMatchObject({ state: 'approved', missing: [] });
    expect(approved.decisions).toEqual([
      {
        by: { type: 'user', id: 'ida' },
        at: expect.any(Number) as number,
        decision: 'approve',
        reason: 'Measured again',
        teams: ['risk'],
      },
    ]);
    // It moved with the last approval.
    expect(await aliasesOf(name)).toEqual({ champion: 1 });
    expect(await p.call('modelApproval.get', { name, number: '1' })).toEqual(approved);
    await expect.poll(async () => (await eventsOf(name)).at(-1)?.type).toBe('model.alias.set');
    const events = (await eventsOf(name)).slice(-3).map(({ type, actor, data }) => [type, actor.id, data]);
    const about = { approval: 1, version: 1, alias: 'champion' };
    expect(events).toEqual([
      ['model.approval.requested', 'ada', { ...about, reason: 'Better on every slice' }],
      ['model.approval.given', 'ida', { ...about, reason: 'Measured again', complete: true }],
      ['model.alias.set', 'ida', { alias: 'champion', version: 1, approvals: [1] }],
    ]);
  });

  test('can move on request after the approval', async () => {
    const { name, approve, move } = await requested([RULE], { alias: 'champion', moveWhenApproved: false });
    await approve('ida');
    expect(await aliasesOf(name)).toEqual({});
    expect((await move()).aliases).toEqual(['champion']);
  });

  test('can return to a version that was approved before, and to no other', async () => {
    const { name, approve, move } = await requested();
    await approve('ida');
    await p.call('modelVersion.create', { name, source: 's3://bucket/m2' }, as('ada'));
    const second = { name, alias: 'champion', version: '2' };
    expect(await codeOf(p.call('modelAlias.set', second, as('bob')))).toBe('approval_missing');
    await p.call('modelAlias.remove', { name, alias: 'champion' }, as('bob'));
    expect((await move()).aliases).toEqual(['champion']);
  });

  test('moves freely without a rule', async () => {
    const { name } = await requested();
    await p.call('modelAlias.set', { name, alias: 'challenger', version: '1' }, as('bob'));
    expect(await aliasesOf(name)).toEqual({ challenger: 1 });
    const ask = { name, version: '1', alias: 'challenger' };
    expect(await codeOf(p.call('modelApproval.request', ask, as('bob')))).toBe('invalid_state');
  });

  test('is subject to the current rules', async () => {
    const { name, approve, move } = await requested([RULE], { alias: 'champion', moveWhenApproved: false });
    await approve('ida');
    const approvals = [{ ...RULE, teams: [{ team: 'risk', members: 2 }] }];
    await p.call('model.update', { name, manifest: manifest('Model', name, { approvals }) });
    expect(await codeOf(move())).toBe('approval_missing');
    await p.call('model.update', { name, manifest: manifest('Model', name, {}) });
    expect((await move()).aliases).toEqual(['champion']);
  });
});

test('a stage with a rule needs approval; archiving needs none', async () => {
  const { name, approve } = await requested([RULE], { stage: 'Production' });
  const stage = (to: string) =>
    p.call<ModelVersion>('modelVersion.stage', { name, version: '1', stage: to }, as('bob'));
  expect(await codeOf(stage('Production'))).toBe('approval_missing');
  await stage('Staging');
  await approve('ida');
  expect(await p.call('modelVersion.get', { name, version: '1' })).toMatchObject({ stage: 'Production' });
  expect((await stage('Archived')).stage).toBe('Archived');
  // An approval for the stage does not count for the alias.
  expect(await codeOf(p.call('modelAlias.set', { name, alias: 'champion', version: '1' }, as('bob')))).toBe(
    'approval_missing',
  );
});

describe('approvers', () => {
  test('a member of a nested team counts for the team', async () => {
    const { approve } = await requested();
    expect(await approve('eve')).toMatchObject({ state: 'approved', decisions: [{ teams: ['risk'] }] });
  });

  test('other users, users without permission, and own approvals are rejected', async () => {
    const rules = [{ aliases: ['champion'], teams: [{ team: 'science' }] }];
    const { approve, name } = await requested(rules);
    const reasons = { ida: 'You are not one of them', bob: 'model:approve', ada: 'Another user' };
    for (const [who, reason] of Object.entries(reasons)) {
      const error = await errorOf(approve(who));
      expect([who, error.code, error.message]).toEqual([who, 'forbidden', expect.stringContaining(reason)]);
    }
    expect(await approve('max')).toMatchObject({ state: 'approved' });
    expect(await aliasesOf(name)).toEqual({ champion: 1 });
  });

  test('own approvals count if the rule allows them', async () => {
    const { approve } = await requested([{ aliases: ['champion'], users: ['ada'], ownApproval: true }]);
    expect(await approve('ada')).toMatchObject({ state: 'approved' });
  });

  test('the owner of the installation counts for all rules', async () => {
    const { name, approval } = await requested([
      { aliases: ['champion'], users: ['max'], teams: [{ team: 'risk', members: 2 }] },
    ]);
    const approved = await p.call<Approval>('modelApproval.approve', { name, number: String(approval.number) });
    expect(approved).toMatchObject({ state: 'approved', decisions: [{ by: { id: 'owner' } }] });
  });

  test('all required users must approve, once each', async () => {
    const { name, approve } = await requested([RULE, { aliases: ['champion'], users: ['max'] }]);
    const first = await approve('ida', 'first');
    expect(first).toMatchObject({ state: 'pending', missing: [{ user: 'max', approvals: 1 }] });
    expect(await approve('ida', 'again')).toEqual(first);
    expect(await aliasesOf(name)).toEqual({});
    expect(await approve('max')).toMatchObject({ state: 'approved' });
    expect(await aliasesOf(name)).toEqual({ champion: 1 });
  });

  test('two concurrent approvals move it once', async () => {
    const { name, approve } = await requested([RULE, { aliases: ['champion'], users: ['max'] }]);
    await Promise.all([approve('ida'), approve('max')]);
    await expect
      .poll(async () => (await eventsOf(name)).filter(({ type }) => type === 'model.alias.set').length)
      .toBe(1);
    expect(await aliasesOf(name)).toEqual({ champion: 1 });
  });
});

describe('an approval ends', () => {
  test('when it is rejected: a new request is needed, and earlier approvals do not count', async () => {
    const { name, approve, reject, move } = await requested([RULE, { aliases: ['champion'], users: ['max'] }]);
    await approve('ida');
    expect(await codeOf(reject('max', ''))).toBe('invalid_request');
    expect(await reject('max', 'Wrong slice')).toMatchObject({ state: 'rejected', missing: [] });
    expect(await codeOf(approve('max'))).toBe('invalid_state');
    expect(await codeOf(approve('ida'))).toBe('invalid_state');
    const error = await errorOf(move());
    expect(error.message).toContain('a member of Team "risk" and User "max". Request an approval');
    const again = await p.call<Approval>('modelApproval.request', { name, version: '1', alias: 'champion' }, as('ada'));
    expect(again).toMatchObject({ number: 2, state: 'pending', decisions: [] });
    const list = (input: object = {}) =>
      p.call<{ items: Approval[]; nextCursor?: string }>('modelApproval.list', { name, ...input });
    expect((await list()).items.map(({ number, state }) => [number, state])).toEqual([
      [2, 'pending'],
      [1, 'rejected'],
    ]);
    expect((await list({ state: 'rejected' })).items.map(({ number }) => number)).toEqual([1]);
    const { items, nextCursor = '' } = await list({ limit: 1 });
    expect(items.map(({ number }) => number)).toEqual([2]);
    expect((await list({ limit: 1, cursor: nextCursor })).items.map(({ number }) => number)).toEqual([1]);
    expect(await codeOf(list({ cursor: 'nonsense' }))).toBe('invalid_cursor');
  });

  test('when the requester withdraws it', async () => {
    const { approve, withdraw, move } = await requested();
    expect(await withdraw('ada')).toMatchObject({ state: 'withdrawn' });
    expect(await codeOf(approve('ida'))).toBe('invalid_state');
    expect(await codeOf(withdraw('ada'))).toBe('invalid_state');
    expect(await codeOf(move())).toBe('approval_missing');
  });

  test('when its version is deleted', async () => {
    const { name, approve } = await requested();
    await p.call('modelVersion.delete', { name, version: '1' }, as('ada'));
    expect(await codeOf(approve('ida'))).toBe('not_found');
  });
});

test('only one request for a change is pending at a time', async () => {
  const { name } = await requested();
  const ask = (input: object) => codeOf(p.call('modelApproval.request', { name, version: '1', ...input }, as('bob')));
  expect(await ask({ alias: 'champion' })).toBe('already_exists');
  expect(await ask({ alias: 'champion', stage: 'Production' })).toBe('invalid_request');
  expect(await ask({})).toBe('invalid_request');
  expect(await ask({ version: '2', alias: 'champion' })).toBe('not_found');
  expect(await ask({ stage: 'Production' })).toBe('ok');
  const both = [1, 2, 3].map(() => ask({ version: '1', stage: 'Production' }));
  expect(await Promise.all(both)).toEqual(['already_exists', 'already_exists', 'already_exists']);
});

test.each([
  [{ aliases: ['champion'] }, 'has no approvers'],
  [{ users: ['ada'] }, 'covers nothing'],
])('rejects a rule that %j', async (rule, message) => {
  const error = await errorOf(p.model({ approvals: [rule] }));
  expect([error.code, error.issues]).toEqual([
    'invalid_manifest',
    [expect.objectContaining({ path: 'spec.approvals[0]', message })],
  ]);
});

test('a rule refers to existing teams and users, which it keeps from deletion', async () => {
  expect(await codeOf(p.model({ approvals: [{ aliases: ['a'], users: ['nobody'] }] }))).toBe('reference_not_found');
  await world.apply([manifest('Team', 'brief', {})]);
  await p.model({ owner: 'brief' });
  expect(await codeOf(world.dais.call('team.delete', { name: 'brief' }, p.context))).toBe('still_referenced');
});

test('the policy of the guide protects the rules of critical models from other editors', async () => {
  const guide = await readFile(new URL('../../../../../../docs/guide/approve-a-model.md', import.meta.url), 'utf8');
  const policy = /^apiVersion: dais.dev\/v1\nkind: Policy\n[\s\S]*?^```$/m.exec(guide)?.[0].replace('```', '') ?? '';
  await world.dais.apply(policy.replaceAll('model-risk', 'risk'), {}, p.context);
  const write = (name: string, labels: object) =>
    codeOf(p.call('model.create', { manifest: manifest('Model', name, { approvals: [RULE] }, { labels }) }, as('ada')));
  expect(await write('harmless', {})).toBe('ok');
  expect(await write('critical', { risk: 'high' })).toBe('forbidden');
  await p.call('model.create', { manifest: manifest('Model', 'critical', {}, { labels: { risk: 'high' } }) });
  for (const labels of [{}, { risk: 'high' }]) {
    const change = { name: 'critical', manifest: manifest('Model', 'critical', {}, { labels }) };
    expect(await codeOf(p.call('model.update', change, as('ada')))).toBe('forbidden');
  }
  expect(await codeOf(p.call('registeredModel.rename', { name: 'critical', to: 'x' }, as('ada')))).toBe('forbidden');
  expect(await codeOf(p.call('registeredModel.delete', { name: 'critical' }, as('ada')))).toBe('forbidden');
  await p.call('modelVersion.create', { name: 'critical', source: 's3://bucket/m' }, as('ada'));
});

test('the approvals of all models of a project form one list, with pages and a state filter', async () => {
  const other = await world.project();
  await world.apply([manifest('RoleBinding', 'viewers', { role: 'viewer', users: ['max'] })], other.name);
  const names: string[] = [];
  for (const users of [['ada'], ['bob'], ['ida']]) {
    const name = await other.model({ approvals: [{ aliases: ['champion'], users }] });
    await other.call('modelVersion.create', { name, source: 's3://bucket/m' });
    await other.call('modelApproval.request', { name, version: '1', alias: 'champion' });
    names.push(name);
  }
  await other.call('modelApproval.withdraw', { name: names[1], number: '1' });
  interface Page {
    readonly items: readonly Approval[];
    readonly nextCursor?: string;
  }
  const seen: string[] = [];
  for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
    const input = { limit: 1, ...(cursor !== undefined && { cursor }) };
    const page: Page = await other.call('modelApproval.listAll', input, as('max'));
    seen.push(...page.items.map(({ model }) => model));
    cursor = page.nextCursor;
  }
  expect(seen).toEqual(names.toReversed());
  const pending = await other.call<Page>('modelApproval.listAll', { state: 'pending' });
  expect(pending.items.map(({ model, missing }) => [model, missing[0]?.user])).toEqual([
    [names[2], 'ida'],
    [names[0], 'ada'],
  ]);
  for (const cursor of ['x', Buffer.from('["a","b"]').toString('base64url')]) {
    expect(await codeOf(other.call('modelApproval.listAll', { cursor }))).toBe('invalid_cursor');
  }
  // Another project has separate approvals.
  const here = await p.call<Page>('modelApproval.listAll', { limit: 1000 });
  expect(here.items.filter(({ model }) => names.includes(model))).toEqual([]);
});
