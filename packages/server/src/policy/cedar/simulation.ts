/** `dais policy simulate`: repeats the latest decisions with other policies. */
import { DaisError, eventTypes, summarizeIssues, type Issue, type Resource, type OutputOf } from '@dais/api';
import type { simulatePolicyOperation } from '@dais/api/access';
import type { Call, CallOf } from '#kernel/entry.ts';
import { listEvents, readCursor, type SequencedEvent } from '#kernel/events.ts';
import { presentResource, readByUid, readResource } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import { explainDecision } from './explain.ts';
import { findPrincipal, makeInquiry, type PrincipalType } from './inquiries.ts';
import { candidatesOf, authorize, type Inquiry } from './authorize.ts';
import { actionWord, factNames } from './model.ts';
import { bareEntity, resourceEntity, resourceUid } from './resource-entity.ts';
import { acrossTenants } from './row-scope.ts';
import { usedFacts, type Evidence } from './target-view.ts';
import type { PolicySource, Rules } from './rules.ts';
import type { Entity } from './language/values.ts';

interface SimulateInput {
  readonly candidates: readonly {
    readonly kind: 'Policy' | 'OrganizationPolicy';
    readonly name: string;
    readonly cedar?: string;
  }[];
  readonly decisions: number;
}

/** A past decision with its principal and target. */
interface Made {
  readonly event: SequencedEvent;
  readonly action: string;
  readonly kind: string;
  readonly name: string | undefined;
}

/** @throws DaisError `invalid_request` when a text is no policy. */
export async function simulate(engine: PolicyEngine, tx: Transaction, call: CallOf<typeof simulatePolicyOperation>) {
  const { input, tenant } = call;
  await refuseProblems(engine, call);
  const present = await engine.rules.current(tx.sql);
  const other = await engine.reader.readWith(tx.sql, (sources) => withCandidates(sources, input, tenant.name));
  const made = await latestDecisions(tx, tenant, input.decisions);
  const changes: OutputOf<typeof simulatePolicyOperation>['changes'][number][] = [];
  let skipped = 0;
  for (const one of made) {
    const replayed = await replay(engine, tx, call, one, present, other);
    if (replayed === undefined) skipped += 1;
    else if (replayed.before !== replayed.after) changes.push(replayed);
  }
  return { examined: made.length - skipped, skipped, changes };
}

async function refuseProblems(
  engine: PolicyEngine,
  { input, tenant }: CallOf<typeof simulatePolicyOperation>,
): Promise<void> {
  const issues: Issue[] = [];
  for (const [index, { kind, cedar }] of input.candidates.entries()) {
    if (cedar === undefined) continue;
    const checked = await engine.check({ cedar, project: kind === 'Policy' ? tenant.name : '' });
    issues.push(...checked.issues.map((issue) => ({ ...issue, path: `candidates[${index}].cedar` })));
  }
  if (issues.length > 0) throw new DaisError('invalid_request', summarizeIssues(issues), { issues });
}

function withCandidates(sources: readonly PolicySource[], { candidates }: SimulateInput, project: string) {
  const placed = candidates.map((one) => ({ ...one, project: one.kind === 'Policy' ? project : '' }));
  const same = (a: Omit<PolicySource, 'cedar'>, b: Omit<PolicySource, 'cedar'>) =>
    a.kind === b.kind && a.name === b.name && a.project === b.project;
  return [
    ...sources.filter((source) => !placed.some((one) => same(one, source))),
    ...placed.flatMap(({ kind, name, project: of, cedar }) =>
      cedar === undefined ? [] : [{ kind, name, project: of, cedar, mode: 'enforce' as const }],
    ),
  ];
}

/** What was done in the project and what was refused there, newest first. */
async function latestDecisions(
  tx: Transaction,
  tenant: { readonly id: string; readonly name: string },
  most: number,
): Promise<readonly Made[]> {
  const { seq } = await readCursor(tx.sql);
  const done = await listEvents(tx.sql, { projectId: tenant.id }, seq + 1n, most);
  const refused = await acrossTenants(tx.sql, () =>
    listEvents(tx.sql, { projectId: ORGANIZATION, type: eventTypes.accessDenied.type }, seq + 1n, most),
  );
  return [...done, ...refused.filter(({ data }) => data['project'] === tenant.name)]
    .toSorted((a, b) => (a.seq < b.seq ? 1 : -1))
    .flatMap((event) => decisionOf(event) ?? [])
    .slice(0, most);
}

const VERBS: Readonly<Record<string, string>> = {
  [eventTypes.resourceCreated.type]: 'write',
  [eventTypes.resourceUpdated.type]: 'write',
  [eventTypes.resourceDeleting.type]: 'delete',
  [eventTypes.resourceDeleted.type]: 'delete',
};

function decisionOf(event: SequencedEvent): Made | undefined {
  const { type, subject, data, actor, via } = event;
  // Policies do not apply to the platform and to owners of the owner token.
  if (actor.type === 'system' || via === undefined || via.method === 'solo' || via.method === 'owner-token')
    return undefined;
  if (type === eventTypes.accessDenied.type) {
    const { action, kind, name } = data as { action: string; kind: string; name?: string };
    return { event, action, kind, name };
  }
  const verb = VERBS[type];
  if (verb === undefined || subject === undefined) return undefined;
  return { event, action: `${actionWord(subject.kind)}:${verb}`, kind: subject.kind, name: subject.name };
}

async function replay(
  engine: PolicyEngine,
  tx: Transaction,
  call: CallOf<typeof simulatePolicyOperation>,
  { event, action, kind, name }: Made,
  present: Rules,
  other: Rules,
) {
  const type: PrincipalType = event.actor.type === 'service' ? 'service' : 'user';
  const facts = await findPrincipal(present, engine.principals, type, event.actor.id, tx.sql);
  if (facts === undefined || !present.model.actions.has(action)) return undefined;
  const project = call.tenant.name;
  const { via } = event;
  const client = via?.address === undefined ? undefined : { address: via.address };
  const question = { action, project, circumstances: { via, client, now: event.at.getTime() } };
  const [before, after] = [present, other].map((rules) => makeInquiry(rules, type, facts, question)) as [
    Inquiry,
    Inquiry,
  ];
  const uid = resourceUid(kind, project, name ?? project);
  const policies = [before, after].flatMap((one) => candidatesOf(one, uid.type));
  const names = usedFacts(policies, factNames(present.model, kind));
  const entity = await entityOf(tx, call, before, event, {
    kind,
    name,
    facts: engine.factsIn(tx, call.tenant.id),
    names,
  });
  const reads = policies.some((policy) => policy.readsResource);
  if (entity === undefined && reads) return undefined;
  const seen = entity ?? bareEntity(project);
  const [was, would] = [authorize(before, uid, seen), authorize(after, uid, seen)];
  return {
    at: event.at.toISOString(),
    principal: `${type}:${event.actor.id}`,
    action,
    resource: name === undefined ? kind : `${kind}/${name}`,
    before: was.allowed ? ('allow' as const) : ('deny' as const),
    after: would.allowed ? ('allow' as const) : ('deny' as const),
    reasons: explainDecision(after, would).reasons,
  };
}

/** The current state of the resource; for a deleted resource, its last state. */
async function entityOf(
  tx: Transaction,
  { tenant }: Call,
  inquiry: Inquiry,
  event: SequencedEvent,
  { kind, name, facts: load, names }: ResourceReference,
): Promise<Entity | undefined> {
  const known = inquiry.rules.model.kinds.get(kind);
  if (known === undefined || name === undefined) return undefined;
  const { subject, data, type } = event;
  const [row] =
    subject === undefined
      ? [await readResource(tx.sql, tenant.id, kind, name)]
      : await readByUid(tx.sql, [subject.uid]);
  const gone = type === eventTypes.resourceDeleted.type ? (data['object'] as Resource) : undefined;
  const resource = row === undefined ? gone : presentResource(row, tenant.name);
  if (resource === undefined) return undefined;
  const facts = names === undefined ? undefined : await load({ kind, name, uid: resource.metadata.uid }, names);
  return resourceEntity(known, resource, tenant.name, facts);
}

interface ResourceReference {
  readonly kind: string;
  readonly name: string | undefined;
  readonly facts: Evidence['facts'];
  /** Of the facts that some policy uses; undefined: none does. */
  readonly names: ReadonlySet<string> | undefined;
}
