/** Random policies and requests for properties: mostly of fitting types, sometimes not, so that errors are met too. */
import fc from 'fast-check';
import type { ConstraintJson, EntityJson, ExpressionJson, PolicyJson, UidJson } from './cedar-json.ts';
import type { RequestJson } from './oracle.ts';

type Arbitrary = fc.Arbitrary<ExpressionJson>;

const ids = {
  principals: ['ada', 'bo', 'cy'],
  teams: ['vision', 'ops', 'all'],
  secrets: ['s1', 's2', 's3'],
  projects: ['p1', 'p2'],
} as const;

const uid = (type: string, id: string): UidJson => ({ type, id });
const users = ids.principals.map((id) => uid('User', id));
const teams = ids.teams.map((id) => uid('Team', id));
const secrets = ids.secrets.map((id) => uid('Secret', id));
const projects = ids.projects.map((id) => uid('Project', id));
const actionIds = ['read', 'write', 'delete', 'viewer', 'editor'] as const;
const actions = actionIds.map((id) => uid('Action', id));
const anyUid = fc.constantFrom(...users, ...teams, ...secrets, ...projects, ...actions, uid('User', 'nobody'));

const value = (json: unknown): ExpressionJson => ({ Value: json });
const binary = (name: string, left: Arbitrary, right: Arbitrary): Arbitrary =>
  fc.tuple(left, right).map(([one, two]) => ({ [name]: { left: one, right: two } }));
const call = (name: string, ...args: Arbitrary[]): Arbitrary => fc.tuple(...args).map((made) => ({ [name]: made }));

const words = ['', 'a', 'ab', 'abc', 'aab', 'é', '😀b', 'a*b', 'stage', 'prod', '__proto__', 'constructor'];
const texts = fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4, unit: 'grapheme' }));
const edge = 2 ** 53 - 1;
const integers = fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(edge, -edge, 2 ** 40));

const decimals = fc.constantFrom('0.0', '1.5', '-1.5', '1.23456', '1', '922337203685477.5807', '922337203685477.5808');
const ips = fc.constantFrom(
  '127.0.0.1',
  '10.1.2.3',
  '10.0.0.0/8',
  '10.1.0.0/16',
  '0.0.0.0/0',
  '224.0.0.1',
  '224.0.0.0/3',
  '01.2.3.4',

  '::1',
  '::/0',
  '::1/127',
  'ff02::1',
  'fe80::/10',
  '2001:db8::1',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7::',
  '::ffff:1.2.3.4',
  '10.0.0.1/33',
  '10.0.0.1/08',
  '',
  '/',
  '1::2::3',
  '256.1.1.1',
  '127.0.0.0/7',
  'F::A/128',
  '1.2.3.4/',
);
const datetimes = fc.constantFrom(
  '1970-01-01',
  '2024-02-29',
  '2023-02-29',
  '1969-12-31T23:59:59.999Z',
  '2026-11-25T10:00:00Z',
  '0000-01-01',
  '9999-12-31',

  '2026-11-25T10:00:00+0130',
  '2026-11-25T10:00:00.5Z',
  '2026-11-25T24:00:00Z',
  '2026-11-25T10:00:60Z',
  '2026-11-25T10:00:00',

  '2026-11-25T10:00:00.123-2359',
  '2026-11-25T10:00:00+2400',
  '2026-13-01',
  '2026-00-10',
  '0099-12-31',
  '2100-02-29',
);
const durations = fc.constantFrom(
  '1d',
  '-1d',
  '1d2h3m4s5ms',
  '90s',
  '0ms',
  '1ms',
  '',
  '-',
  '1h1d',
  '106751991167d',
  '9223372036854775807ms',
  '9223372036854775808ms',
  '-9223372036854775808ms',
  '1.5s',
  ' 1s',
  '25h',
  '-1500ms',
  '9223372036854775s',
  '-86400001ms',
);

const extension = (name: string, from: fc.Arbitrary<string>): Arbitrary =>
  from.map((one) => ({ [name]: [value(one)] }));
const decimal = extension('decimal', decimals);
const ip = extension('ip', ips);

const variable = fc.constantFrom('principal', 'action', 'resource', 'context').map((name): ExpressionJson => ({
  Var: name,
}));
const attribute = (of: Arbitrary, ...names: string[]): Arbitrary =>
  fc.tuple(of, fc.constantFrom(...names)).map(([left, attr]) => ({ '.': { left, attr } }));

const facts: Arbitrary = fc.constant({ '.': { left: { Var: 'resource' }, attr: 'facts' } });

const patterns = fc.array(
  fc.oneof(
    fc.constant('Wildcard' as const),
    fc.constantFrom('a', 'b', 'ab', '*', 'é', '😀').map((Literal) => ({ Literal })),
  ),
  { minLength: 1, maxLength: 5 },
);

/** Expressions by the type they mostly have. */
const expressions = fc.letrec<
  Record<'bool' | 'long' | 'text' | 'entity' | 'set' | 'datetime' | 'duration' | 'any', ExpressionJson>
>((tie) => ({
  bool: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.boolean().map(value),
    attribute(fc.constant({ Var: 'context' }), 'mfa', 'missing'),
    binary('==', tie('any'), tie('any')),
    binary('!=', tie('any'), tie('any')),
    ...['<', '<=', '>', '>='].flatMap((name) => [
      binary(name, tie('long'), tie('long')),
      binary(name, tie('datetime'), tie('datetime')),
      binary(name, tie('duration'), tie('any')),
    ]),
    binary('&&', tie('bool'), tie('bool')),
    binary('||', tie('bool'), tie('bool')),
    tie('bool').map((arg) => ({ '!': { arg } })),
    binary('in', tie('entity'), fc.oneof(tie('entity'), tie('set'))),
    binary('contains', tie('set'), tie('any')),
    binary('containsAll', tie('set'), tie('set')),
    binary('containsAny', tie('set'), tie('set')),
    tie('set').map((arg) => ({ isEmpty: { arg } })),
    fc.tuple(tie('text'), patterns).map(([left, pattern]) => ({ like: { left, pattern } })),
    fc
      .tuple(tie('entity'), fc.constantFrom('User', 'Team', 'Secret'), fc.option(tie('entity'), { nil: undefined }))
      .map(([left, type, within]) => ({
        is: { left, entity_type: type, ...(within !== undefined && { in: within }) },
      })),
    fc.tuple(tie('any'), fc.constantFrom('name', 'level', 'missing', '__proto__')).map(([left, attr]) => ({
      has: { left, attr },
    })),
    fc.constantFrom(['nested', 'deep'], ['nested', 'no'], ['no', 'deep']).map((attr) => ({
      has: { left: { Var: 'context' }, attr },
    })),
    // A fact that is unknown is missing: a policy that uses it without `has` is in error.
    fc
      .tuple(facts, fc.constantFrom('findings', 'unscanned', 'missing'))
      .map(([left, attr]) => ({ has: { left, attr } })),
    fc.constantFrom(['facts'], ['facts', 'findings'], ['facts', 'missing']).map((attr) => ({
      has: { left: { Var: 'resource' }, attr },
    })),
    fc
      .tuple(facts, fc.constantFrom('findings', 'unscanned'), fc.integer({ min: 0, max: 2 }))
      .map(([left, attr, most]) => ({
        '>': { left: { '.': { left, attr } }, right: value(most) },
      })),
    binary('hasTag', tie('entity'), tie('text')),
    ...['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'].map((name) => call(name, decimal, decimal)),
    ...['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'].map((name) => call(name, ip)),
    call('isInRange', ip, ip),
    fc.tuple(tie('bool'), tie('bool'), tie('bool')).map(([one, two, three]) => ({
      // oxlint-disable-next-line unicorn/no-thenable -- Cedar names the branch so; nothing awaits it
      'if-then-else': { if: one, then: two, else: three },
    })),
  ),
  long: fc.oneof(
    integers.map(value),
    attribute(fc.oneof(variable), 'level', 'count'),
    attribute(facts, 'findings', 'unscanned', 'missing'),
    ...['+', '-', '*'].map((name) => binary(name, tie('long'), tie('long'))),
    tie('long').map((arg) => ({ neg: { arg } })),
    ...['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'].map((name) => call(name, tie('duration'))),
  ),
  text: fc.oneof(
    texts.map(value),
    attribute(variable, 'name', 'missing', '__proto__'),
    binary('getTag', tie('entity'), tie('text')),
  ),
  entity: fc.oneof(
    variable,
    anyUid.map((one) => value({ __entity: one })),
    attribute(variable, 'owner'),
  ),
  set: fc.oneof(
    fc.array(tie('any'), { maxLength: 3 }).map((Set) => ({ Set })),
    fc.array(tie('entity'), { maxLength: 3 }).map((Set) => ({ Set })),
    attribute(variable, 'list'),
  ),
  datetime: fc.oneof(
    extension('datetime', datetimes),
    attribute(fc.constant({ Var: 'context' }), 'now'),
    call('offset', tie('datetime'), tie('duration')),
    call('toDate', tie('datetime')),
  ),
  duration: fc.oneof(
    extension('duration', durations),
    call('durationSince', tie('datetime'), tie('datetime')),
    call('toTime', tie('datetime')),
  ),
  any: fc.oneof(
    { depthSize: 'small' },
    variable,
    tie('long'),
    tie('text'),
    tie('entity'),
    decimal,
    ip,
    tie('set'),
    tie('bool'),
    tie('datetime'),
    tie('duration'),
    fc.dictionary(fc.constantFrom('a', 'name'), tie('long'), { maxKeys: 2 }).map((fields) => ({ Record: fields })),
    attribute(fc.constant({ Var: 'context' }), 'nested', 'range', 'ratio'),
  ),
}));

const scope = (types: readonly UidJson[]): fc.Arbitrary<ConstraintJson> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<ConstraintJson>({ op: 'All' }) },
    { weight: 1, arbitrary: anyUid.map((entity) => ({ op: '==', entity })) },
    { weight: 2, arbitrary: anyUid.map((entity) => ({ op: 'in', entity })) },
    { weight: 1, arbitrary: fc.constantFrom(...types).map(({ type }) => ({ op: 'is', entity_type: type })) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...types), anyUid).map(([{ type }, entity]) => ({
        op: 'is',
        entity_type: type,
        in: { entity },
      })),
    },
  );

const actionScope: fc.Arbitrary<ConstraintJson> = fc.oneof(
  fc.constant<ConstraintJson>({ op: 'All' }),
  fc.constantFrom(...actions).map((entity) => ({ op: '==', entity })),
  fc.constantFrom(...actions).map((entity) => ({ op: 'in', entity })),
  fc.array(fc.constantFrom(...actions), { maxLength: 2 }).map((entities) => ({ op: 'in', entities })),
);

export const policyArbitrary: fc.Arbitrary<PolicyJson> = fc.record({
  effect: fc.constantFrom('permit', 'permit', 'forbid'),
  principal: scope([...users, ...teams]),
  action: actionScope,
  resource: scope(secrets),
  conditions: fc.array(fc.record({ kind: fc.constantFrom('when', 'when', 'unless'), body: expressions.bool }), {
    maxLength: 2,
  }),
});

const literalEntity = (one: UidJson) => ({ __entity: one });

const entities = (type: string, id: string, above: readonly UidJson[]): fc.Arbitrary<EntityJson> =>
  fc.record({
    uid: fc.constant(uid(type, id)),
    parents: fc.subarray([...above]),
    attrs: fc.record(
      {
        name: fc.constantFrom('a', 'ab', 'prod'),
        level: integers,
        owner: anyUid.map(literalEntity),
        list: fc.array(fc.oneof(integers, texts, anyUid.map(literalEntity)), { maxLength: 3 }),
        facts: fc.record({ findings: integers, unscanned: integers }, { requiredKeys: [] }),
      },
      { requiredKeys: [] },
    ),
    tags: fc.dictionary(fc.constantFrom('a', 'stage', '', '__proto__'), fc.constantFrom('a', 'prod'), { maxKeys: 2 }),
  });

/** A hierarchy without circles, some entities missing. */
const world: fc.Arbitrary<EntityJson[]> = fc
  .tuple(
    ...users.map(({ type, id }) => entities(type, id, teams)),
    entities('Team', 'vision', [teams[1] as UidJson, teams[2] as UidJson]),
    entities('Team', 'ops', [teams[2] as UidJson]),
    ...secrets.map(({ type, id }) => entities(type, id, projects)),
    entities('Project', 'p1', []),
  )
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length - 3 }));

/** Actions with their groups, as a schema would add them. */
export const actionEntities: readonly EntityJson[] = [
  ...['viewer', 'editor'].map((id) => ({ uid: uid('Action', id), attrs: {}, parents: [] })),
  { uid: uid('Action', 'read'), attrs: {}, parents: [uid('Action', 'viewer'), uid('Action', 'editor')] },
  { uid: uid('Action', 'write'), attrs: {}, parents: [uid('Action', 'editor')] },
  { uid: uid('Action', 'delete'), attrs: {}, parents: [] },
];

export const requestArbitrary: fc.Arbitrary<RequestJson> = fc.record({
  principal: fc.constantFrom(...users, ...teams),
  action: fc.constantFrom(...actions),
  resource: fc.constantFrom(...secrets),
  context: fc.record(
    {
      mfa: fc.boolean(),
      count: integers,
      name: texts,
      now: fc.constantFrom('2026-11-25T10:00:00Z', '1969-01-01').map((arg) => ({ __extn: { fn: 'datetime', arg } })),
      nested: fc.constant({ deep: 1 }),
      range: fc.constant({ __extn: { fn: 'ip', arg: '10.0.0.0/8' } }),
      ratio: fc.constant({ __extn: { fn: 'decimal', arg: '1.5' } }),
      owner: anyUid.map(literalEntity),
      list: fc.array(integers, { maxLength: 2 }),
    },
    { requiredKeys: ['mfa'] },
  ),
  entities: world.map((made) => [...made, ...actionEntities]),
});

/** Roles given to people and teams. */
export const linkArbitrary = fc.record({
  principal: fc.constantFrom(...users, ...teams),
  role: fc.constantFrom('viewer', 'editor').map((id) => uid('Action', id)),
  resource: fc.constantFrom(...projects, ...secrets),
});
