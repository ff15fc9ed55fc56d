import type { Event } from '@dais/api';

const WORDS: Readonly<Record<string, string>> = {
  'resource.created': 'created',
  'resource.updated': 'changed',
  'resource.status': 'told the state of',
  'resource.deleting': 'asked to delete',
  'resource.deleted': 'deleted',
  'secret.rotated': 'sealed anew',
  'alert.delivered': 'delivered an alert through',
  'alert.failed': 'gave up an alert through',
  'session.started': 'signed in as',
  'session.refused': 'was refused at sign-in as',
  'session.ended': 'ended a session of',
  'password.changed': 'changed the password of',
  'token.created': 'made a token of',
  'token.revoked': 'revoked a token of',
  'token.exchanged': 'exchanged a token for one of',
  'invitation.created': 'invited',
  'invitation.accepted': 'accepted the invitation of',
  'invitation.revoked': 'took back an invitation',
  'identity.linked': 'signed in for the first time as',
  'identity.ended': 'no longer vouches for',
  'device.approved': 'let a command line in',
  'device.denied': 'turned a command line away',
  'audit.restored': 'went on after a restore',
  'audit.exported': 'gave out entries of the log',
  'audit.forgotten': 'made a person of the log unreadable',
  'audit.hold': 'changed the legal hold',
  'audit.archived': 'archived entries',
  'audit.verified': 'looked at every entry again: all fit',
  'audit.broken': 'found entries that do not fit',
  'experiment.created': 'made',
  'experiment.renamed': 'gave another name to',
  'experiment.deleted': 'deleted',
  'experiment.restored': 'restored',
  'run.created': 'began',
  'run.finished': 'finished',
  'run.failed': 'ended without success',
  'run.deleted': 'deleted',
  'run.restored': 'restored',
  'execution.submitted': 'asked to run',
  'execution.cancel.requested': 'asked to end',
  'execution.finished': 'ended',
  'execution.deleted': 'deleted the run',
  'model.renamed': 'gave another name to',
  'model.described': 'described',
  'model.tagged': 'set a tag of',
  'model.untagged': 'took a tag from',
  'model.version.created': 'registered a version of',
  'model.version.described': 'described a version of',
  'model.version.deleted': 'deleted a version of',
  'model.version.tagged': 'set a tag of a version of',
  'model.version.untagged': 'took a tag from a version of',
  'model.version.staged': 'changed the stage of a version of',
  'model.alias.set': 'moved an alias of',
  'model.alias.removed': 'took an alias from',
  'model.approval.requested': 'asked for approval of a version of',
  'model.approval.given': 'approved a version of',
  'model.approval.rejected': 'rejected a version of',
  'model.approval.withdrawn': 'took back a question about a version of',
  'dataset.version.created': 'made a version of',
  'dataset.version.ready': 'found a version ready of',
  'dataset.version.quarantined': 'quarantined a version of',
  'dataset.version.released': 'released a version of',
  'dataset.version.broken': 'found a version broken of',
  'dataset.version.deleted': 'deleted a version of',
  'dataset.version.tagged': 'set a tag of a version of',
  'dataset.version.untagged': 'took a tag from a version of',
  'dataset.ingest.failed': 'could not make a version of',
  'dataset.finding.opened': 'found what looks personal in',
  'dataset.finding.resolved': 'said what is personal in',
  'dataset.finding.waived': 'waived a finding in',
  'dataset.finding.reopened': 'opened a finding again in',
  'feature.materialized': 'brought online',
  'feature.materialization.failed': 'could not bring online',
  'feature.built': 'built a training set with',
  'feature.build.failed': 'could not build with',
  'feature.pushed': 'pushed values of',
  'comment.created': 'said something of',
  'comment.edited': 'changed what they said of',
  'comment.deleted': 'took away a comment on',
};

/** What events and entries of the audit log have in common. */
interface Told {
  readonly type: string;
  readonly actor: { readonly id: string };
  readonly subject?: { readonly kind: string; readonly name: string } | undefined;
}

/** Of what somebody did to themselves: no name goes after it. */
const OWN: Readonly<Record<string, string>> = {
  'session.started': 'signed in',
  'session.refused': 'was refused at sign-in',
  'session.ended': 'signed out',
  'password.changed': 'changed their password',
  'token.created': 'made a token',
  'token.revoked': 'revoked a token',
  'invitation.accepted': 'accepted their invitation',
  'identity.linked': 'signed in for the first time',
};

/** The same where actor and subject are one; undefined: it is said as of others. */
export function ownWords({ type, actor, subject }: Told): string | undefined {
  return subject?.kind === 'User' && subject.name === actor.id ? OWN[type] : undefined;
}

/** What the actor did, in words that go before the name of what they did it to. Others keep their type. */
export function eventWords({
  type,
  data,
}: Pick<Event, 'type'> & { readonly data?: Event['data'] | undefined }): string {
  if (type === 'resource.updated' && data?.['operation'] === 'rollback') return 'rolled back';
  if (type === 'access.denied')
    return `was refused ${(data as { readonly action?: string } | undefined)?.action ?? 'something'}`;
  return WORDS[type] ?? type;
}
