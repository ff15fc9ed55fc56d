/**
 * A list contains exactly the rows that individual decisions permit: compares SQL, the in-memory evaluation and
 * cedar-wasm for random policies and rows. If the three agree, counts and pages reveal nothing.
 */
import { randomUUID } from 'node:crypto';
import type { Attribute, KindSpec, Resource } from '@dais/api';
import { projectKind } from '@dais/api';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { listResources, presentResource } from '#kernel/store.ts';
import { loadCedarWasm, type CedarWasm } from '#policy/cedar/language/cedar-wasm.ts';
import { recordToJson, type ExpressionJson, type PolicyJson } from '#policy/cedar/language/cedar-json.ts';
import { compilePolicy } from '#policy/cedar/language/compile-policy.ts';
import { authorize, authorizeCollection, type Inquiry } from '#policy/cedar/authorize.ts';
import { actionUid, buildModel, type KindModel } from '#policy/cedar/model.ts';
import { linkId, wasmPolicies } from '#policy/cedar/language/oracle.ts';
import { PolicySet, type RoleLink } from '#policy/cedar/language/policy-set.ts';
import {
  ancestorsIn,
  collectionOf,
  projectEntity,
  resourceEntity,
  resourceUid,
} from '#policy/cedar/resource-entity.ts';
import { resourceFilter } from './row-filter.ts';
import type { Rules } from '#policy/cedar/rules.ts';
import { EntityUid, NO_ATTRIBUTES, type Entity } from '#policy/cedar/language/values.ts';

const PROJECT = 'flights';
const PROJECT_ID = '00000000-0000-7000-8000-000000000001';
const ROWS = 25;

const attribute = (
  name: string,
  path: string,
  type: Attribute['type'],
  fallback: Attribute['fallback'],
): Attribute => ({
  name,
  path,
  type,
  fallback,
  description: '',
});

const boxKind: KindSpec = {
  ...projectKind,
  kind: 'Box',
  plural: 'boxes',
  scope: 'project',
  attributes: [
    attribute('level', 'spec.level', 'long', 0),
    attribute('grade', 'spec.deep.grade', 'string', 'none'),
    attribute('open', 'spec.open', 'bool', false),
    attribute('list', 'spec.list', 'strings', []),
    attribute('state', 'status.state', 'string', ''),
  ],
};

const model = buildModel({
  kinds: [{ spec: boxKind }, { spec: projectKind }],
  operations: [],
  further: [{ action: 'box:read', kind: 'Box', roles: ['viewer'], description: '' }],
  roles: ['viewer', 'admin'],
});
const kind = model.kinds.get('Box') as KindModel;
const principal = resourceUid('User', '', 'ada');
const principalEntity: Entity = {
  attributes: new Map([['name', 'ada']]),
  tags: NO_ATTRIBUTES,
  ancestors: new Set([new EntityUid('Dais::Box', `${PROJECT}/box-3`).key]),
};

const words = ['a', 'ab', 'a%', 'a_b', '!', "o'x", 'é', '', '\\'];
const word = fc.constantFrom(...words);
const resource: ExpressionJson = { Var: 'resource' };
const value = (json: unknown): ExpressionJson => ({ Value: json });
const column = (attr: string): ExpressionJson => ({ '.': { left: resource, attr } });
const both = (name: string, left: ExpressionJson, right: ExpressionJson): ExpressionJson => ({
  [name]: { left, right },
});
const label = fc.constantFrom('stage', 'team');

const texts = fc.oneof(
  fc.constantFrom('name', 'grade', 'state', 'origin', 'owner').map(column),
  word.map(value),
  fc.constant<ExpressionJson>({ '.': { left: { Var: 'principal' }, attr: 'name' } }),
);
const longs = fc.oneof(fc.constant(column('level')), fc.integer({ min: -2, max: 3 }).map(value));
const wordSet = fc.array(word.map(value), { maxLength: 3 }).map((Set): ExpressionJson => ({ Set }));
const entity = fc
  .constantFrom(
    projectEntity(PROJECT),
    projectEntity('other'),
    projectEntity(''),
    principal,
    ...['box-1', 'box-2', 'box-99'].map((name) => resourceUid('Box', PROJECT, name)),
  )
  .map(({ type, id }) => value({ __entity: { type, id } }));

const conditions = fc.letrec<{ bool: ExpressionJson }>((tie) => ({
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(fc.constantFrom('==', '!='), texts, texts).map(([op, a, b]) => both(op, a, b)),
    fc.tuple(fc.constantFrom('==', '!=', '<', '<=', '>', '>='), longs, longs).map(([op, a, b]) => both(op, a, b)),
    fc.constant(column('open')),
    fc.boolean().map((flag) => both('==', column('open'), value(flag))),
    fc
      .tuple(
        texts,
        fc.array(
          fc.oneof(
            fc.constant('Wildcard'),
            word.map((Literal) => ({ Literal })),
          ),
          { minLength: 1, maxLength: 4 },
        ),
      )
      .map(([left, pattern]) => ({ like: { left, pattern } })),
    word.map((one) => both('contains', column('list'), value(one))),
    fc
      .tuple(fc.constantFrom('containsAny', 'containsAll', '=='), wordSet)
      .map(([op, set]) => both(op, column('list'), set)),
    fc.tuple(fc.constantFrom('containsAny', 'containsAll'), wordSet).map(([op, set]) => both(op, set, column('list'))),
    fc.tuple(wordSet, fc.constantFrom('name', 'grade')).map(([set, attr]) => both('contains', set, column(attr))),
    fc.constant<ExpressionJson>({ isEmpty: { arg: column('list') } }),
    label.map((tag) => both('hasTag', resource, value(tag))),
    fc
      .tuple(label, word)
      .map(([tag, text]) =>
        both('&&', both('hasTag', resource, value(tag)), both('==', both('getTag', resource, value(tag)), value(text))),
      ),
    entity.map((one) => both('in', resource, one)),
    entity.map((one) => both('==', one, resource)),
    fc.constant(both('in', { Var: 'principal' }, resource)),
    fc.constant<ExpressionJson>({ is: { left: resource, entity_type: 'Dais::Box' } }),
    fc.constant<ExpressionJson>({ has: { left: resource, attr: 'grade' } }),
    fc.constant<ExpressionJson>({ '.': { left: { Var: 'context' }, attr: 'mfa' } }),
    fc.tuple(fc.constantFrom('&&', '||'), tie('bool'), tie('bool')).map(([op, a, b]) => both(op, a, b)),
    tie('bool').map((arg) => ({ '!': { arg } })),
    fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([a, b, c]) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- Cedar names the branch so; nothing awaits it
      'if-then-else': { if: a, then: b, else: c },
    })),
  ),
}));

const policies = fc.array(
  fc.record({
    effect: fc.constantFrom('permit' as const, 'permit' as const, 'forbid' as const),
    principal: fc.constant({ op: 'All' }),
    action: fc.constant({ op: 'All' }),
    resource: fc.constantFrom(
      { op: 'All' },
      { op: 'is', entity_type: 'Dais::Box' },
      { op: 'in', entity: { type: 'Dais::Project', id: PROJECT } },
      { op: '==', entity: { type: 'Dais::Box', id: `${PROJECT}/box-2` } },
    ),
    conditions: fc.array(
      fc.record({ kind: fc.constantFrom('when' as const, 'unless' as const), body: conditions.bool }),
      {
        maxLength: 2,
      },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

const specs = fc.array(
  fc.record({
    spec: fc.record(
      {
        level: fc.integer({ min: -2, max: 3 }),
        deep: fc.record({ grade: word }, { requiredKeys: [] }),
        open: fc.boolean(),
        list: fc.array(word, { maxLength: 3 }),
      },
      { requiredKeys: [] },
    ),
    status: fc.record({ state: word }, { requiredKeys: [] }),
    labels: fc.dictionary(label, word, { maxKeys: 2 }),
    owner: fc.option(word),
  }),
  { minLength: ROWS, maxLength: ROWS },
);

let database: TestDatabase;
let cedar: CedarWasm;

beforeAll(async () => {
  database = await startTestDatabase([kernelSlice]);
  cedar = await loadCedarWasm();
  await database.asAdmin(`insert into kernel.tenant (id, name) values ('${PROJECT_ID}', '${PROJECT}')`);
  for (const made of fc.sample(specs, { numRuns: 1, seed: 20_261_125 })[0] ?? []) {
    const index = inserted++;
    const row = JSON.stringify({ ...made, name: `box-${index}`, uid: randomUUID() });
    await database.database.statement(
      { mode: 'write', scope: { project: PROJECT_ID } },
      `insert into kernel.resource (uid, project_id, kind, name, api_version, origin, owner, generation, labels, annotations, spec, status)
       select uid, '${PROJECT_ID}', 'Box', name, 'dais.dev/v1', 'manifest', owner, 1, labels, '{}', spec, status
       from json_to_record($1) as r(uid uuid, name text, owner text, labels jsonb, spec json, status jsonb)`,
      [row],
    );
  }
});
let inserted = 0;
afterAll(async () => {
  await database.stop();
});

async function seen(filter: { sql(bind: (value: unknown) => string): string } | undefined) {
  return await database.database.transaction({ mode: 'read', scope: { project: PROJECT_ID } }, async (sql) => {
    const rows = await listResources(sql, {
      projectId: PROJECT_ID,
      kind: 'Box',
      after: '',
      limit: 1000,
      equal: {},
      notEqual: [],
      present: [],
      absent: [],
      rows: filter === undefined ? undefined : { ...filter, matches: () => true },
    });
    return rows.map((row) => presentResource(row, PROJECT));
  });
}

const linkArbitrary = fc.array(fc.constantFrom('', PROJECT, 'other'), { maxLength: 1 });

test('lists by SQL, in memory, and row by row show the same', { timeout: 180_000 }, async () => {
  const rows = await seen(undefined);
  expect(rows).toHaveLength(ROWS);
  let partly = 0;
  await fc.assert(
    fc.asyncProperty(policies, linkArbitrary, fc.boolean(), async (given, bound, mfa) => {
      const named = given.map((json: PolicyJson, index) => ({ id: `policy${index}`, json }));
      const links: RoleLink[] = bound.map((project) => ({
        id: `RoleBinding/${project}`,
        principal,
        role: actionUid('viewer'),
        resource: projectEntity(project),
      }));
      const inquiry = inquiryOf(named, links, mfa);
      const { condition } = authorizeCollection(inquiry, collectionOf(kind, PROJECT));
      expect(condition).toBeDefined();
      if (condition === undefined) return;
      const filter = resourceFilter(condition);
      const byRow = rows.filter((row) => {
        const decision = authorize(inquiry, uidOf(row), resourceEntity(kind, row, PROJECT, undefined));
        expect(decision.errors).toEqual([]);
        return decision.allowed;
      });
      expect(nameList(await seen(filter))).toEqual(nameList(byRow));
      expect(nameList(rows.filter((row) => filter.matches(row)))).toEqual(nameList(byRow));
      expect(nameList(rows.filter(wasmDecider(named, links, mfa)))).toEqual(nameList(byRow));
      if (byRow.length > 0 && byRow.length < ROWS) partly++;
    }),
  );
  // Policies that show everything or nothing would test no condition.
  expect(partly).toBeGreaterThan(5);
});

const nameList = (resources: readonly Resource[]) => resources.map((one) => one.metadata.name);
const uidOf = (row: Resource) => resourceUid('Box', PROJECT, row.metadata.name);

function inquiryOf(
  named: readonly { readonly id: string; readonly json: PolicyJson }[],
  links: readonly RoleLink[],
  mfa: boolean,
): Inquiry {
  const compiled = named.map(({ id, json }) => compilePolicy(id, json));
  const rules: Rules = {
    version: 1n,
    digest: '',
    model,
    organization: new PolicySet(compiled, links, model.actionEntities),
    projects: new Map(),
    audited: { organization: new PolicySet([], [], model.actionEntities), projects: new Map() },
    teams: new Map(),
    principals: new Map(),
  };
  const action = model.actions.get('box:read');
  if (action === undefined) throw new Error('the model has no box:read');
  return { rules, principal, principalEntity, action, context: new Map([['mfa', mfa]]), project: PROJECT };
}

function wasmDecider(
  named: readonly { readonly id: string; readonly json: PolicyJson }[],
  links: readonly RoleLink[],
  mfa: boolean,
): (row: Resource) => boolean {
  const set = wasmPolicies({ policies: named.map(({ id, json }) => ({ id, source: json })), links });
  expect(cedar.preparsePolicySet('rows', set)).toEqual({ type: 'success' });
  const json = (key: string, one: Entity) => {
    const uid = (text: string) => ({
      type: text.slice(0, text.indexOf('::"')),
      id: text.slice(text.indexOf('::"') + 3),
    });
    return {
      uid: uid(key),
      attrs: recordToJson(one.attributes),
      tags: recordToJson(one.tags),
      parents: [...one.ancestors].map(uid),
    };
  };
  return (row) => {
    const uid = uidOf(row);
    const entities = [
      ...[...model.actionEntities].map(([key, one]) => json(key, one)),
      json(principal.key, principalEntity),
      json(uid.key, { ...resourceEntity(kind, row, PROJECT, undefined), ancestors: ancestorsIn(PROJECT) }),
    ];
    const answer = cedar.statefulIsAuthorized({
      principal: { type: principal.type, id: principal.id },
      action: { type: 'Dais::Action', id: 'box:read' },
      resource: { type: uid.type, id: uid.id },
      context: { mfa },
      entities: entities as never,
      preparsedPolicySetId: 'rows',
    });
    if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
    expect(answer.response.diagnostics.reason.map((id) => linkId(id, links))).toEqual(expect.any(Array));
    return answer.response.decision === 'allow';
  };
}
