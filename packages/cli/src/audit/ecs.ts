/** Entries as Elastic Common Schema 8 (https://www.elastic.co/guide/en/ecs/8.17), one document each. */
import type { AuditEntry } from '@dais/api/audit';

/** Maps Dais types to category and type of ECS; other types are configuration changes. */
const CLASSES: readonly (readonly [prefix: string, category: string, type: string])[] = [
  ['session.started', 'authentication', 'start'],
  ['session.ended', 'authentication', 'end'],
  ['session.', 'authentication', 'info'],
  ['identity.', 'authentication', 'info'],
  ['device.', 'authentication', 'info'],
  ['token.', 'iam', 'change'],
  ['password.', 'iam', 'change'],
  ['invitation.', 'iam', 'creation'],
  ['resource.created', 'configuration', 'creation'],
  ['resource.deleted', 'configuration', 'deletion'],
  ['audit.exported', 'database', 'access'],
  ['audit.', 'database', 'info'],
];

const IAM_KINDS = new Set(['User', 'Team', 'ServiceAccount', 'RoleBinding', 'OrganizationRoleBinding']);

export function ecsDocument(entry: AuditEntry): Record<string, unknown> {
  const { seq, at, type, outcome, actor, via, decision, project, subject, requestId, data } = entry;
  const [, category, change] = CLASSES.find(([prefix]) => type.startsWith(prefix)) ?? ['', 'configuration', 'change'];
  const iam = category === 'configuration' && subject !== undefined && IAM_KINDS.has(subject.kind);
  const allowed = outcome === 'denied' ? ['denied'] : decision === undefined ? [] : ['allowed'];
  return {
    '@timestamp': at,
    ecs: { version: '8.17.0' },
    event: {
      id: String(seq),
      kind: 'event',
      // Only the category of API calls has outcomes for allowed and denied.
      category: [iam ? 'iam' : category, ...(allowed.length > 0 ? ['api'] : [])],
      type: [change, ...allowed],
      action: type,
      outcome: outcome === 'succeeded' ? 'success' : 'failure',
      dataset: 'dais.audit',
      sequence: seq,
    },
    user: { id: actor.id, name: actor.id, ...(subject?.kind === 'User' && { target: { name: subject.name } }) },
    ...(via?.address !== undefined && { source: { ip: via.address } }),
    ...(via?.userAgent !== undefined && { user_agent: { original: via.userAgent } }),
    ...(decision !== undefined && { rule: { ...firstOf(decision.policies), ruleset: decision.set } }),
    ...(requestId !== undefined && { http: { request: { id: requestId } } }),
    dais: {
      actor: { type: actor.type },
      ...(via !== undefined && {
        via: { method: via.method, mfa: via.mfa, ...(via.credential !== undefined && { credential: via.credential }) },
      }),
      ...(decision !== undefined && { policies: decision.policies }),
      ...(project !== undefined && { project }),
      ...(subject !== undefined && { subject }),
      ...(data !== undefined && { data }),
    },
  };
}

/** An ECS document has one rule id; where several policies permitted, `dais.policies` lists all. */
function firstOf([id]: readonly string[]): { readonly id?: string } {
  return id === undefined ? {} : { id };
}
