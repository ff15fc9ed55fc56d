/**
 * The cost of a decision: CPU time of this process for one request with 100 and 1,000 policies and 60 roles, compared
 * with cedar-wasm on the same policies and requests in the same run. Limits: 50 µs and 100 µs. Both must return the
 * same decisions.
 */
import { randomBytes } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { openOutbound } from '../packages/server/src/control/open-outbound.ts';
import { loadKinds } from '../packages/server/src/compose.ts';
import { openEnvKeys } from '../packages/server/src/engines/keys/env/env-keys.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { recordToJson } from '../packages/server/src/policy/cedar/language/cedar-json.ts';
import { loadCedarWasm } from '../packages/server/src/policy/cedar/language/cedar-wasm.ts';
import { compilePolicy } from '../packages/server/src/policy/cedar/language/compile-policy.ts';
import { makeInquiry } from '../packages/server/src/policy/cedar/inquiries.ts';
import { candidatesOf, authorize, type Inquiry } from '../packages/server/src/policy/cedar/authorize.ts';
import { actionUid } from '../packages/server/src/policy/cedar/model.ts';
import { wasmPolicies } from '../packages/server/src/policy/cedar/language/oracle.ts';
import { PolicySet, type RoleLink } from '../packages/server/src/policy/cedar/language/policy-set.ts';
import { parsePolicies } from '../packages/server/src/policy/cedar/texts/policy-text.ts';
import { projectEntity, resourceUid } from '../packages/server/src/policy/cedar/resource-entity.ts';
import type { Rules } from '../packages/server/src/policy/cedar/rules.ts';
import type { Entity, EntityUid } from '../packages/server/src/policy/cedar/language/values.ts';
import { Claims } from './lib/claims.mjs';

const LIMITS: Readonly<Record<number, number>> = { 100: 50, 1000: 100 };
const ROLES = 60;

const outbound = await openOutbound({ allowHosts: [] }, '0');
const keys = openEnvKeys(randomBytes(32).toString('base64'));
const { policies: engine } = await loadKinds({ keys, outbound, clock: systemClock });
const cedar = await loadCedarWasm();
const { model } = engine;

/** Policies like those of an organization: most for one action, some for several, a few for all. */
function policyText(n: number): string {
  const actions = ['secret:write', 'secret:delete', 'secret:use', 'secret:read', 'alertChannel:write', 'team:write'];
  const action = actions[n % actions.length];
  const id = `@id("p${n}")`;
  switch (n % 10) {
    case 0:
      return `${id} forbid(principal is Dais::ServiceAccount, action in [Dais::Action::"${action}", Dais::Action::"project:delete"], resource) when { resource.name == "never-${n}" };`;
    case 1:
      return `${id} forbid(principal, action == Dais::Action::"${action}", resource) when { resource.hasTag("stage") && resource.getTag("stage") == "prod-${n}" } unless { context.mfa };`;
    case 2:
      return `${id} forbid(principal, action == Dais::Action::"${action}", resource) when { context.now >= datetime("2036-12-20") && context.now < datetime("2037-01-04") } unless { principal in Dais::Team::"on-call" };`;
    case 3:
      return `${id} permit(principal in Dais::Team::"team-${n % 20}", action == Dais::Action::"${action}", resource in Dais::Project::"p${n % 20}");`;
    case 4:
      return `${id} forbid(principal, action == Dais::Action::"${action}", resource) when { context has ip && context.ip.isInRange(ip("203.0.113.0/24")) };`;
    case 5:
      return n % 50 === 5
        ? `${id} forbid(principal, action, resource) when { principal.suspended };`
        : `${id} forbid(principal, action == Dais::Action::"${action}", resource) when { resource.origin like "*tool-${n}*" };`;
    default:
      return `${id} forbid(principal, action == Dais::Action::"${action}", resource) when { principal.clearance < 0 && ["a", "b", "c${n}"].contains(resource.owner) };`;
  }
}

const links: RoleLink[] = Array.from({ length: ROLES }, (_, n) => ({
  id: `RoleBinding/p${n % 20}/b${n}`,
  principal: n % 2 === 0 ? resourceUid('User', '', `user-${n}`) : resourceUid('Team', '', `team-${n % 20}`),
  role: actionUid(['viewer', 'operator', 'editor', 'admin'][n % 4] ?? 'viewer'),
  resource: projectEntity(`p${n % 20}`),
}));

function rulesOf(count: number): Rules {
  const text = Array.from({ length: count }, (_, n) => policyText(n)).join('\n');
  const read = parsePolicies(cedar, text);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const policies = read.parts.map(({ id, json }) => compilePolicy(id, json));
  return {
    version: 1n,
    digest: '',
    model,
    organization: new PolicySet(policies, links, model.actionEntities),
    projects: new Map(),
    audited: { organization: new PolicySet([], [], model.actionEntities), projects: new Map() },
    teams: new Map(),
    principals: new Map(),
  };
}

interface AccessQuestion {
  readonly inquiry: Inquiry;
  readonly uid: EntityUid;
  readonly entity: Entity;
}

/** Different principals, actions, projects and resources, so that no cache entry serves all decisions. */
function makeQuestions(rules: Rules): AccessQuestion[] {
  return Array.from({ length: 500 }, (_, n) => {
    const project = `p${n % 20}`;
    const facts = {
      uid: '',
      name: `user-${n % ROLES}`,
      email: 'a@example.com',
      suspended: false,
      clearance: n % 4,
      teams: [`team-${n % 20}`],
    };
    const action = ['secret:read', 'secret:write', 'secret:delete'][n % 3] ?? '';
    const via = { method: 'password' as const, mfa: n % 2 === 0 };
    const circumstances = { via, client: { address: '10.1.2.3' }, now: Date.UTC(2026, 10, 25) };
    const name = `secret-${n}`;
    const entity: Entity = {
      attributes: new Map([
        ['name', name],
        ['origin', 'manifest'],
        ['owner', ''],
      ]),
      tags: new Map([['stage', n % 5 === 0 ? 'prod-1' : 'dev']]),
      ancestors: new Set([projectEntity(project).key, projectEntity('').key]),
    };
    return {
      inquiry: makeInquiry(rules, 'user', facts, { action, project, circumstances }),
      uid: resourceUid('Secret', project, name),
      entity,
    };
  });
}

function cpuEach(times: number, work: (n: number) => void): number {
  for (let n = 0; n < Math.min(times, 2000); n++) work(n);
  const from = process.cpuUsage();
  for (let n = 0; n < times; n++) work(n);
  const { user, system } = process.cpuUsage(from);
  return (user + system) / times;
}

/** Around and around. */
function pick<T>(all: readonly T[], n: number): T {
  const one = all[n % all.length];
  if (one === undefined) throw new Error('nothing to choose from');
  return one;
}

const uidJson = (key: string) => ({ type: key.slice(0, key.indexOf('::"')), id: key.slice(key.indexOf('::"') + 3) });
const entityJson = (key: string, { attributes, tags, ancestors }: Entity) => ({
  uid: uidJson(key),
  attrs: recordToJson(attributes),
  tags: recordToJson(tags),
  parents: [...ancestors].map(uidJson),
});

function wasmRequest({ inquiry, uid, entity }: AccessQuestion) {
  const { principal, principalEntity, action, context } = inquiry;
  return {
    principal: uidJson(principal.key),
    action: uidJson(action.uid.key),
    resource: uidJson(uid.key),
    context: recordToJson(context) as Record<string, never>,
    entities: [entityJson(principal.key, principalEntity), entityJson(uid.key, entity)] as never,
    preparsedPolicySetId: 'policies',
    preparsedSchemaName: 'schema',
    validateRequest: false,
  };
}

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}\n`);
const schema = cedar.preparseSchema('schema', model.schema);
if (schema.type === 'failure') throw new Error(JSON.stringify(schema.errors));
const claims = new Claims();
for (const count of [100, 1000]) {
  const rules = rulesOf(count);
  const questions = makeQuestions(rules);
  const set = wasmPolicies({ policies: rules.organization.policies, links });
  const parsed = cedar.preparsePolicySet('policies', set);
  if (parsed.type === 'failure') throw new Error(JSON.stringify(parsed.errors));
  const requests = questions.map(wasmRequest);
  const byWasm = (n: number) => {
    const answer = cedar.statefulIsAuthorized(pick(requests, n));
    if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors));
    return answer.response.decision === 'allow';
  };
  const byUs = (n: number) => {
    const { inquiry, uid, entity } = pick(questions, n);
    return authorize(inquiry, uid, entity).allowed;
  };
  const allowed = questions.filter((_, n) => byUs(n)).length;
  const different = questions.filter((_, n) => byUs(n) !== byWasm(n)).length;
  const ours = cpuEach(50_000, byUs);
  const theirs = cpuEach(500, byWasm);
  const searched =
    questions.reduce((sum, { inquiry, uid }) => sum + candidatesOf(inquiry, uid.type).length, 0) / questions.length;
  const limit = LIMITS[count] ?? 0;
  console.log(
    `${String(count).padStart(5)} policies: ${ours.toFixed(1)} µs CPU a decision (limit ${limit}: ${claims.judge(`a decision at ${count} policies`, ours <= limit, `${ours.toFixed(1)} µs`)}), cedar-wasm ${theirs.toFixed(0)} µs: ${(theirs / ours).toFixed(0)} times; ${searched.toFixed(0)} policies examined; ${allowed} of ${questions.length} allowed, ${different} decided differently: ${claims.judge(`same decisions as cedar-wasm at ${count} policies`, different === 0, `${different} differ`)}`,
  );
}
await keys.close();
await outbound.close();
claims.end();
