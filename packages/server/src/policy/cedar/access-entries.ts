/** Operations that answer questions about rights. */
import { DaisError, nearest } from '@dais/api';
import {
  readAccessOperation,
  readOwnAccessOperation,
  simulatePolicyOperation,
  testPolicyOperation,
  whyOperation,
} from '@dais/api/access';
import { entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { refusalOf } from '#kernel/refusal.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { WorkQueue } from '#policy/identity/passwords/work-queue.ts';
import type { PrincipalFacts } from '#policy/principal-source.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import {
  OWNER_EXPLANATION,
  explainCollection,
  explainDecision,
  suggestionsFor,
  teamNames,
  type Explained,
} from './explain.ts';
import { findPrincipal, makeInquiry, type RequestContext, type PrincipalType } from './inquiries.ts';
import { candidatesOf, authorize, authorizeCollection, type Inquiry } from './authorize.ts';
import { actionWord, factNames, type ActionModel, type Model } from './model.ts';
import { memberships } from './project-visibility.ts';
import { readResource, UnreadableCase } from './texts/policy-test.ts';
import { runPolicyFile } from './texts/policy-file.ts';
import { bareEntity, collectionOf, resourceUid } from './resource-entity.ts';
import { simulate } from './simulation.ts';
import { TargetView } from './target-view.ts';

export interface AccessDependencies {
  readonly engine: PolicyEngine;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
}

export function accessEntries(dependencies: AccessDependencies): readonly OperationEntry[] {
  // Available to every caller, and its CPU time grows with the text: requests run sequentially.
  const tests = new WorkQueue(1, 16, 'Too many policy simulations are running. Retry in a few seconds.');
  return [
    entry(whyOperation, async (tx, call) => await why(dependencies, tx, call)),
    entry(testPolicyOperation, {
      perform: async ({ input, tenant }) =>
        await tests.run(() => runPolicyFile(dependencies.engine, input.file, input.text, tenant.name)),
    }),
    entry(simulatePolicyOperation, async (tx, call) => await simulate(dependencies.engine, tx, call)),
    entry(readOwnAccessOperation, async (tx, call) => await access(dependencies, tx, call, undefined)),
    entry(readAccessOperation, async (tx, call) => await access(dependencies, tx, call, call.input.principal)),
  ];
}

/** The subject of an access query. */
interface Subject {
  readonly type: PrincipalType;
  readonly name: string;
  readonly circumstances: RequestContext;
  /** The owner of the installation, to whom no policies apply. */
  readonly owner: boolean;
}

function subjectOf(dependencies: AccessDependencies, call: Call, named: string | undefined): Subject {
  const { principal, client } = call.context;
  const now = dependencies.now();
  if (named === undefined || named === textOf(principal)) {
    const circumstances = { via: principal.via, client, scopes: principal.scopes, now };
    const method = principal.via?.method;
    const owner =
      principal.type === 'user' && principal.id === 'owner' && (method === 'owner-token' || method === 'solo');
    return { type: principal.type === 'service' ? 'service' : 'user', name: principal.id, circumstances, owner };
  }
  const service = named.startsWith('service:');
  const via = { method: service ? ('token' as const) : ('password' as const), mfa: false };
  const name = named.slice(named.indexOf(':') + 1);
  return { type: service ? 'service' : 'user', name, circumstances: { via, now }, owner: false };
}

function textOf({ type, id }: Pick<Principal, 'type' | 'id'>): string {
  return `${type}:${id}`;
}

/** A subject, with those of its teams that the caller may read. */
interface Known {
  readonly facts: PrincipalFacts;
  readonly teams: readonly string[];
}

/**
 * Returns what the caller may read about a subject: everything about themselves and about subjects that they may read;
 * otherwise the role bindings of the subject in the project. @throws DaisError `not_found`, both for a missing subject
 * and for one without a role in the project.
 */
async function principalOf(
  dependencies: AccessDependencies,
  tx: Transaction,
  call: Call,
  subject: Subject,
): Promise<Known> {
  const { type, name, circumstances } = subject;
  // The owner has no account.
  if (subject.owner) return { facts: { uid: '', name, suspended: false, clearance: 0, teams: [] }, teams: [] };
  const rules = await dependencies.engine.rules.current(tx.sql);
  const kind = type === 'user' ? 'User' : 'ServiceAccount';
  const facts = await findPrincipal(rules, dependencies.engine.principals, type, name, tx.sql);
  const gone = new DaisError('not_found', `There is no ${kind} "${name}".`);
  if (facts === undefined) throw gone;
  const inquiry = makeInquiry(rules, type, facts, { action: '', project: call.tenant.name, circumstances });
  const teams = teamNames(inquiry);
  const own = textOf(call.context.principal) === `${type}:${name}`;
  const organization = { id: ORGANIZATION, name: '' };
  if (own || (await refusalOf(call, { kind, name }, organization, 'read')) === undefined) return { facts, teams };
  const here = memberships(inquiry);
  if (here.size === 0) throw gone;
  return { facts, teams: teams.filter((team) => here.has(resourceUid('Team', '', team).key)) };
}

/** Every caller may query themselves; queries about others require permission to read policies. */
async function allowAbout(call: Call, subject: Subject): Promise<void> {
  const { principal } = call.context;
  if (textOf(principal) === `${subject.type}:${subject.name}`) {
    await call.authorize({ kind: 'Access' }, call.tenant, readOwnAccessOperation.action);
  } else await call.authorize({ kind: 'Policy' }, call.tenant, readAccessOperation.action);
}

async function why(dependencies: AccessDependencies, tx: Transaction, call: CallOf<typeof whyOperation>) {
  const { input, tenant } = call;
  const subject = subjectOf(dependencies, call, input.principal);
  await allowAbout(call, subject);
  const rules = await dependencies.engine.rules.current(tx.sql);
  const action = findAction(rules.model, input.action);
  const resource = findResource(rules.model, action, input.resource, tenant.name);
  const { facts } = await principalOf(dependencies, tx, call, subject);
  const question = { action: action.action, project: resource.project, circumstances: subject.circumstances };
  const inquiry = makeInquiry(rules, subject.type, facts, question);
  const explained = subject.owner
    ? OWNER_EXPLANATION
    : facts.suspended
      ? {
          decision: 'deny' as const,
          reasons: [{ id: 'suspended', effect: 'forbid' as const, message: 'The account is suspended.' }],
        }
      : await explain(dependencies, tx, call, inquiry, resource);
  return {
    ...explained,
    principal: `${subject.type}:${subject.name}`,
    action: action.action,
    resource: resource.text,
    suggestions: suggestionsFor(inquiry, explained),
  };
}

interface FoundResource {
  readonly kind: string;
  /** Empty: all of them. */
  readonly name: string;
  /** Empty for the organization. */
  readonly project: string;
  readonly text: string;
}

async function explain(
  dependencies: AccessDependencies,
  tx: Transaction,
  call: Call,
  inquiry: Inquiry,
  resource: FoundResource,
): Promise<Explained> {
  const { kind, name, project } = resource;
  const known = inquiry.rules.model.kinds.get(kind);
  if (known === undefined) return explainDecision(inquiry, authorizeWithoutName(inquiry, kind));
  if (name === '') return explainCollection(inquiry, authorizeCollection(inquiry, collectionOf(known, project)));
  const tenant = project === '' ? { id: ORGANIZATION, name: '' } : call.tenant;
  const target = { kind, name };
  // The response describes the resource, so it requires permission to read it.
  await call.authorize({ ...target, ...(project !== '' && { project }) }, tenant, `${actionWord(kind)}:read`);
  await tx.enter(tenant.id);
  const evidence = { sql: tx.sql, tx, facts: dependencies.engine.factsIn(tx, tenant.id) };
  const names = factNames(inquiry.rules.model, kind);
  const view = new TargetView({ target, projectId: tenant.id, project }, evidence, known, names);
  const [entity] = await view.entities(candidatesOf(inquiry, known.type));
  if (entity === undefined) throw new DaisError('not_found', `There is no ${kind} "${name}".`);
  return explainDecision(inquiry, authorize(inquiry, view.uid, entity), view.unknownFacts);
}

/** What is no resource: there is one of it in each project. */
function authorizeWithoutName(inquiry: Inquiry, kind: string) {
  const { project } = inquiry;
  return authorize(inquiry, resourceUid(kind, project, project === '' ? 'organization' : project), bareEntity(project));
}

/** @throws DaisError `invalid_request` with the nearest action. */
function findAction(model: Model, text: string): ActionModel {
  const action = model.actions.get(text);
  if (action !== undefined) return action;
  const near = nearest(text, [...model.actions.keys()]);
  throw new DaisError('invalid_request', `There is no action "${text}".`, {
    issues: [{ path: 'action', message: `is "${text}"`, ...(near !== undefined && { nearest: near }) }],
  });
}

/** @throws DaisError `invalid_request` */
function findResource(model: Model, action: ActionModel, text: string | undefined, project: string): FoundResource {
  const kindName = text ?? action.kinds[0] ?? 'Access';
  const refuse = (message: string) =>
    new DaisError('invalid_request', `The resource ${message}.`, { issues: [{ path: 'resource', message }] });
  try {
    const { kind, name, project: named } = readResource(model, kindName, project);
    if (!action.kinds.includes(kind))
      throw refuse(`is a ${kind}; ${action.action} applies to ${action.kinds.join(' or ')}`);
    if (named !== '' && named !== project)
      throw refuse(`is in project "${named}"; send the request to that project instead of "${project}"`);
    const projectName = action.inProjects ? named : '';
    return { kind, name, project: projectName, text: kindName };
  } catch (error) {
    if (!(error instanceof UnreadableCase)) throw error;
    throw refuse(`cannot be read: ${error.message}`);
  }
}

async function access(dependencies: AccessDependencies, tx: Transaction, call: Call, named: string | undefined) {
  const subject = subjectOf(dependencies, call, named);
  const rules = await dependencies.engine.rules.current(tx.sql);
  const { facts, teams } = await principalOf(dependencies, tx, call, subject);
  const { circumstances } = subject;
  const items = [...rules.model.actions.values()].flatMap((action) =>
    action.kinds.map((kind) => {
      const known = rules.model.kinds.get(kind);
      const project = (known === undefined ? action.inProjects : known.spec.scope === 'project')
        ? call.tenant.name
        : '';
      const inquiry = makeInquiry(rules, subject.type, facts, { action: action.action, project, circumstances });
      const explained = subject.owner
        ? OWNER_EXPLANATION
        : facts.suspended
          ? { decision: 'deny' as const, reasons: [] }
          : known === undefined
            ? explainDecision(inquiry, authorizeWithoutName(inquiry, kind))
            : explainCollection(inquiry, authorizeCollection(inquiry, collectionOf(known, project)));
      return { kind, action: action.action, ...explained };
    }),
  );
  return {
    principal: `${subject.type}:${subject.name}`,
    suspended: facts.suspended,
    teams,
    items,
  };
}
