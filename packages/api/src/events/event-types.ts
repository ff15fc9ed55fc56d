import { z } from 'zod';
import { commentEvents } from '#events/comment-events.ts';
import { definitionEvents } from '#events/definition-events.ts';
import { dataEvents } from '#events/data-events.ts';
import { privacyEvents } from '#events/privacy-events.ts';
import { monitoringEvents } from '#events/monitoring-events.ts';
import { safetyEvents } from '#events/safety-events.ts';
import { modelJobEvents } from '#events/model-job-events.ts';
import { predictionEvents } from '#events/prediction-events.ts';
import type { EventType } from '#events/event-type.ts';
import { executionEvents } from '#events/execution-events.ts';
import { featureEvents } from '#events/feature-events.ts';
import { pipelineEvents } from '#events/pipeline-events.ts';
import { policyEvents } from '#events/policy-events.ts';
import { registryEvents } from '#events/registry-events.ts';
import { importEvents } from '#events/import-events.ts';
import { labelEvents } from '#events/label-events.ts';
import { evaluationEvents } from '#events/evaluation-events.ts';
import { servingEvents } from '#events/serving-events.ts';
import { trackingEvents } from '#events/tracking-events.ts';
import { webhookEvents } from '#events/webhook-events.ts';

const generation = z.int().describe('Its generation afterwards.');
const operation = z.string().describe('What did it: `create`, `update`, `apply`, `rollback`, `rename`.');
const deliveryId = z.string().describe('Stays the same over all attempts.');
const attempts = z.int().describe('How often it was tried.');
const session = z.string().describe('Id of the session.');
const token = z.string().describe('Id of the token.');
const invitation = z.string().describe('Id of the invitation.');
const machine = z.string().describe('Which machine, as it calls itself.');
const program = z.string().describe('Which program, as it calls itself.');

/** Every type of event there is. */
export const eventTypes = {
  resourceCreated: {
    type: 'resource.created',
    v: 1,
    description: 'A resource was created.',
    data: z.strictObject({ generation, operation }),
  },
  resourceUpdated: {
    type: 'resource.updated',
    v: 1,
    description: 'The spec, labels or annotations of a resource changed.',
    data: z.strictObject({
      generation,
      operation,
      fields: z.array(z.string()).describe('Paths of what changed, at most 100.'),
    }),
  },
  resourceStatus: {
    type: 'resource.status',
    v: 1,
    description: 'A controller wrote the status of a resource.',
    data: z.strictObject({
      generation,
      conditions: z.record(z.string(), z.string()).describe('Status of each condition, by type.'),
    }),
  },
  resourceDeleting: {
    type: 'resource.deleting',
    v: 1,
    description: 'A resource is to be deleted and waits for its finalizers.',
    data: z.strictObject({ generation, finalizers: z.array(z.string()).describe('Who still has to clean up.') }),
  },
  resourceDeleted: {
    type: 'resource.deleted',
    v: 1,
    description: 'A resource is gone. `object` is how it last was.',
    data: z.strictObject({ object: z.record(z.string(), z.unknown()).describe('The whole resource.') }),
  },
  secretRotated: {
    type: 'secret.rotated',
    v: 1,
    description: 'The values of a secret were sealed again under another key-encryption key.',
    data: z.strictObject({
      sealedWith: z.string().describe('Fingerprint of the key.'),
      rewrapped: z.int().describe('How many values.'),
    }),
  },
  alertDelivered: {
    type: 'alert.delivered',
    v: 1,
    description: 'An alert reached its channel.',
    data: z.strictObject({ deliveryId, attempts }),
  },
  alertFailed: {
    type: 'alert.failed',
    v: 1,
    description: 'An alert was given up.',
    data: z.strictObject({ deliveryId, attempts, reason: z.string().describe('Why it was given up.') }),
  },
  sessionStarted: {
    type: 'session.started',
    v: 1,
    description: 'A person signed in.',
    data: z.strictObject({
      session,
      method: z.string().describe('`password` or `oidc`.'),
      provider: z.string().optional().describe('The identity provider.'),
      mfa: z.boolean().describe('A second factor was used.'),
    }),
  },
  sessionRefused: {
    type: 'session.refused',
    v: 1,
    description: 'Somebody tried to sign in and was refused. The subject is the user, if there is one of that name.',
    outcome: 'denied',
    data: z.strictObject({
      reason: z.enum(['credentials', 'suspended', 'attempts', 'provider']).describe('Why.'),
    }),
  },
  sessionEnded: {
    type: 'session.ended',
    v: 1,
    description: 'A session, or all of a user, was ended.',
    data: z.strictObject({
      session: session.optional(),
      reason: z
        .enum(['logout', 'revoked', 'password', 'suspended', 'deleted', 'replaced', 'provider'])
        .describe('Why.'),
      count: z.int().optional().describe('How many, when it was not one.'),
    }),
  },
  passwordChanged: {
    type: 'password.changed',
    v: 1,
    description: 'A user has a new password.',
    data: z.strictObject({ by: z.enum(['user', 'invitation']).describe('With the old one, or by a link.') }),
  },
  tokenCreated: {
    type: 'token.created',
    v: 1,
    description: 'A token was made for a user or a service account.',
    data: z.strictObject({
      token,
      title: z.string().describe('What it is for.'),
      form: z.string().describe('`pat`, `sat` or `ses`.'),
      scopes: z.array(z.string()).optional().describe('Actions it is limited to.'),
      project: z.string().optional().describe('The project it is limited to.'),
      expiresAt: z.string().describe('When it ends; RFC 3339, UTC.'),
    }),
  },
  tokenRevoked: {
    type: 'token.revoked',
    v: 1,
    description: 'A token, or all of a user or service account, was ended.',
    data: z.strictObject({
      token: token.optional(),
      reason: z.enum(['revoked', 'password', 'suspended', 'deleted', 'provider']).describe('Why.'),
      count: z.int().optional().describe('How many, when it was not one.'),
    }),
  },
  invitationCreated: {
    type: 'invitation.created',
    v: 1,
    description: 'A person was invited, or a link for a new password was made.',
    personal: true,
    data: z.strictObject({
      invitation,
      email: z.string().describe('Whom it is for.'),
      reset: z.boolean().describe('For a new password of a user who is there.'),
      administrator: z.boolean().describe('Whoever accepts administers the organisation.'),
      expiresAt: z.string().describe('When it ends; RFC 3339, UTC.'),
    }),
  },
  invitationAccepted: {
    type: 'invitation.accepted',
    v: 1,
    description: 'An invitation was accepted: the subject has a password.',
    data: z.strictObject({ invitation }),
  },
  invitationRevoked: {
    type: 'invitation.revoked',
    v: 1,
    description: 'An invitation was ended before anybody accepted it.',
    data: z.strictObject({ invitation }),
  },
  identityLinked: {
    type: 'identity.linked',
    v: 1,
    description: 'A person signed in at an identity provider for the first time and is this user from now on.',
    data: z.strictObject({
      provider: z.string().describe('Name of the identity provider.'),
      issuer: z.string().describe('As the provider calls itself.'),
      created: z.boolean().describe('The user was made by this sign-in.'),
    }),
  },
  identityEnded: {
    type: 'identity.ended',
    v: 1,
    description: 'An identity provider no longer vouches for a user, whose sessions and tokens therefore ended.',
    data: z.strictObject({
      provider: z.string().describe('Name of the identity provider.'),
      reason: z.string().describe('What the provider said, or did not say.'),
    }),
  },
  deviceApproved: {
    type: 'device.approved',
    v: 1,
    personal: true,
    description: 'A person let a command line in.',
    data: z.strictObject({ machine, program, address: z.string().optional().describe('Where it asked from.') }),
  },
  deviceDenied: {
    type: 'device.denied',
    v: 1,
    personal: true,
    description: 'A person turned a command line away.',
    outcome: 'denied',
    data: z.strictObject({ machine, program, address: z.string().optional().describe('Where it asked from.') }),
  },
  tokenExchanged: {
    type: 'token.exchanged',
    v: 1,
    description: 'A token of another system was exchanged for one of a service account that trusts it.',
    data: z.strictObject({
      token,
      issuer: z.string().describe('Who signed the token of the other system.'),
      subject: z.string().describe('Whom it was about.'),
      expiresAt: z.string().describe('When the new token ends; RFC 3339, UTC.'),
    }),
  },
  auditRestored: {
    type: 'audit.restored',
    v: 1,
    description: 'The database was restored to an older state; the audit log goes on from there as another branch.',
    data: z.strictObject({
      size: z.int().describe('How many entries there were in that state.'),
      before: z.string().describe('What checkpoints were signed for before.'),
      after: z.string().describe('What they are signed for since.'),
    }),
  },
  auditExported: {
    type: 'audit.exported',
    v: 1,
    description: 'Entries of the audit log were given out in readable form.',
    data: z.strictObject({
      from: z.int().describe('The first.'),
      to: z.int().describe('The one after the last.'),
    }),
  },
  auditForgotten: {
    type: 'audit.forgotten',
    v: 1,
    description: 'What the audit log says of a person can no longer be read.',
    data: z.strictObject({ person: z.string().describe('Id that stands in place of the name.') }),
  },
  auditHold: {
    type: 'audit.hold',
    v: 1,
    description: 'A legal hold on the audit log began or ended.',
    data: z.strictObject({ reason: z.string().optional().describe('Why; absent when it ended.') }),
  },
  auditArchived: {
    type: 'audit.archived',
    v: 1,
    description: 'Entries of the audit log moved to an archive.',
    data: z.strictObject({
      from: z.int().describe('The first.'),
      to: z.int().describe('The one after the last.'),
      sha256: z.string().describe('Of the archive, lower-case hex.'),
    }),
  },
  auditVerified: {
    type: 'audit.verified',
    v: 1,
    description: 'Every entry of the audit log was looked at again, and all fit.',
    data: z.strictObject({ size: z.int().describe('How many entries.') }),
  },
  auditBroken: {
    type: 'audit.broken',
    v: 1,
    description: 'Entries of the audit log are not what they were.',
    data: z.strictObject({ findings: z.array(z.string()).describe('What does not fit, at most 20.') }),
    outcome: 'failed',
  },
  accessDenied: {
    type: 'access.denied',
    v: 1,
    description:
      'Somebody was refused something. The same refusal within a minute is counted, and told when the minute is over.',
    outcome: 'denied',
    data: z.strictObject({
      action: z.string().describe('What they would have done: `secret:read`.'),
      kind: z.string().describe('To a resource of this kind.'),
      name: z.string().optional().describe('Of this name; absent: to all of them.'),
      project: z.string().optional().describe('In this project; absent: of the organisation.'),
      policies: z.array(z.string()).describe('Ids of the policies that refused; empty when none permitted it.'),
      repeated: z.int().describe('How often the same was refused since the event before.'),
    }),
  },
  ...registryEvents,
  ...commentEvents,
  ...trackingEvents,
  ...webhookEvents,
  ...evaluationEvents,
  ...importEvents,
  ...executionEvents,
  ...pipelineEvents,
  ...policyEvents,
  ...definitionEvents,
  ...featureEvents,
  ...servingEvents,
  ...dataEvents,
  ...privacyEvents,
  ...predictionEvents,
  ...safetyEvents,
  ...monitoringEvents,
  ...labelEvents,
  ...modelJobEvents,
} as const satisfies Record<string, EventType>;
