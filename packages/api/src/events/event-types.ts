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
import { nodeEvents } from '#events/node-events.ts';
import { provisioningEvents } from '#events/provisioning-events.ts';
import { trackingEvents } from '#events/tracking-events.ts';
import { webhookEvents } from '#events/webhook-events.ts';

const generation = z.int().describe('Generation afterwards.');
const operation = z.string().describe('The operation: `create`, `update`, `apply`, `rollback`, `rename`.');
const deliveryId = z.string().describe('Id, equal for all attempts.');
const attempts = z.int().describe('Number of attempts.');
const session = z.string().describe('Id of the session.');
const token = z.string().describe('Id of the token.');
const invitation = z.string().describe('Id of the invitation.');
const machine = z.string().describe('Machine name, as reported by the client.');
const program = z.string().describe('Program name, as reported by the client.');

/** All types of events. */
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
      fields: z.array(z.string()).describe('Paths of changed fields, at most 100.'),
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
    description: 'A resource is being deleted and waits for its finalizers.',
    data: z.strictObject({
      generation,
      finalizers: z.array(z.string()).describe('Finalizers that are still pending.'),
    }),
  },
  resourceDeleted: {
    type: 'resource.deleted',
    v: 1,
    description: 'A resource was deleted. `object` is its last state.',
    data: z.strictObject({ object: z.record(z.string(), z.unknown()).describe('The whole resource.') }),
  },
  secretRotated: {
    type: 'secret.rotated',
    v: 1,
    description: 'The values of a secret were re-encrypted with another key-encryption key.',
    data: z.strictObject({
      sealedWith: z.string().describe('Fingerprint of the key.'),
      rewrapped: z.int().describe('Number of values.'),
    }),
  },
  alertDelivered: {
    type: 'alert.delivered',
    v: 1,
    description: 'An alert was delivered to its channel.',
    data: z.strictObject({ deliveryId, attempts }),
  },
  alertFailed: {
    type: 'alert.failed',
    v: 1,
    description: 'The delivery of an alert failed permanently.',
    data: z.strictObject({ deliveryId, attempts, reason: z.string().describe('Reason of the failure.') }),
  },
  sessionStarted: {
    type: 'session.started',
    v: 1,
    description: 'A user signed in.',
    data: z.strictObject({
      session,
      method: z.string().describe('`password`, `oidc` or `saml`.'),
      provider: z.string().optional().describe('Identity provider.'),
      mfa: z.boolean().describe('Whether a second factor was used.'),
    }),
  },
  sessionRefused: {
    type: 'session.refused',
    v: 1,
    description: 'A sign-in was refused. The subject is the user, if the name exists.',
    outcome: 'denied',
    data: z.strictObject({
      reason: z.enum(['credentials', 'suspended', 'attempts', 'provider']).describe('Why.'),
    }),
  },
  sessionEnded: {
    type: 'session.ended',
    v: 1,
    description: 'One or all sessions of a user were ended.',
    data: z.strictObject({
      session: session.optional(),
      reason: z
        .enum(['logout', 'revoked', 'password', 'suspended', 'deleted', 'replaced', 'provider'])
        .describe('Why.'),
      count: z.int().optional().describe('Number of sessions, if not one.'),
    }),
  },
  passwordChanged: {
    type: 'password.changed',
    v: 1,
    description: 'The password of a user changed.',
    data: z.strictObject({ by: z.enum(['user', 'invitation']).describe('Method: the old password, or a reset link.') }),
  },
  tokenCreated: {
    type: 'token.created',
    v: 1,
    description: 'A token was created for a user or a service account.',
    data: z.strictObject({
      token,
      title: z.string().describe('Title of the token.'),
      form: z.string().describe('`pat`, `sat` or `ses`.'),
      scopes: z.array(z.string()).optional().describe('Scopes.'),
      project: z.string().optional().describe('Project that the token is limited to.'),
      expiresAt: z.string().describe('Expiry; RFC 3339, UTC.'),
    }),
  },
  tokenRevoked: {
    type: 'token.revoked',
    v: 1,
    description: 'One or all tokens of a user or service account were revoked.',
    data: z.strictObject({
      token: token.optional(),
      reason: z.enum(['revoked', 'password', 'suspended', 'deleted', 'provider']).describe('Why.'),
      count: z.int().optional().describe('Number of sessions, if not one.'),
    }),
  },
  invitationCreated: {
    type: 'invitation.created',
    v: 1,
    description: 'A user was invited, or a password reset link was created.',
    personal: true,
    data: z.strictObject({
      invitation,
      email: z.string().describe('Email address of the user.'),
      reset: z.boolean().describe('Whether it is a password reset for an existing user.'),
      administrator: z.boolean().describe('Whether the user becomes an administrator of the organization.'),
      expiresAt: z.string().describe('Expiry; RFC 3339, UTC.'),
    }),
  },
  invitationAccepted: {
    type: 'invitation.accepted',
    v: 1,
    description: 'An invitation was accepted. The subject has a password.',
    data: z.strictObject({ invitation }),
  },
  invitationRevoked: {
    type: 'invitation.revoked',
    v: 1,
    description: 'An invitation was revoked before it was accepted.',
    data: z.strictObject({ invitation }),
  },
  identityLinked: {
    type: 'identity.linked',
    v: 1,
    description: 'A user signed in with an identity provider for the first time and was linked to it.',
    data: z.strictObject({
      provider: z.string().describe('Name of the identity provider.'),
      issuer: z.string().describe('Issuer of the provider.'),
      created: z.boolean().describe('Whether this sign-in created the user.'),
    }),
  },
  identityEnded: {
    type: 'identity.ended',
    v: 1,
    description: 'An identity provider disabled a user. All sessions and tokens of the user were ended.',
    data: z.strictObject({
      provider: z.string().describe('Name of the identity provider.'),
      reason: z.string().describe('Response of the provider.'),
    }),
  },
  deviceApproved: {
    type: 'device.approved',
    v: 1,
    personal: true,
    description: 'A user authorized a command line.',
    data: z.strictObject({ machine, program, address: z.string().optional().describe('IP address of the request.') }),
  },
  deviceDenied: {
    type: 'device.denied',
    v: 1,
    personal: true,
    description: 'A user denied a command line.',
    outcome: 'denied',
    data: z.strictObject({ machine, program, address: z.string().optional().describe('IP address of the request.') }),
  },
  tokenExchanged: {
    type: 'token.exchanged',
    v: 1,
    description: 'A token of another system was exchanged for one of a service account that trusts it.',
    data: z.strictObject({
      token,
      issuer: z.string().describe('Issuer of the token of the other system.'),
      subject: z.string().describe('Subject of the token.'),
      expiresAt: z.string().describe('Expiry of the new token; RFC 3339, UTC.'),
    }),
  },
  auditRestored: {
    type: 'audit.restored',
    v: 1,
    description: 'The database was restored to an older state. The audit log continues from there as a new branch.',
    data: z.strictObject({
      size: z.int().describe('Number of entries in that state.'),
      before: z.string().describe('Checkpoint origin before the restore.'),
      after: z.string().describe('Checkpoint origin after the restore.'),
    }),
  },
  auditExported: {
    type: 'audit.exported',
    v: 1,
    description: 'Entries of the audit log were exported in readable form.',
    data: z.strictObject({
      from: z.int().describe('First entry.'),
      to: z.int().describe('Entry after the last one.'),
    }),
  },
  auditForgotten: {
    type: 'audit.forgotten',
    v: 1,
    description: 'Personal data of a user was erased from the audit log.',
    data: z.strictObject({ person: z.string().describe('ID that replaces the name.') }),
  },
  auditHold: {
    type: 'audit.hold',
    v: 1,
    description: 'A legal hold on the audit log started or ended.',
    data: z.strictObject({ reason: z.string().optional().describe('Reason; absent when the hold ended.') }),
  },
  auditArchived: {
    type: 'audit.archived',
    v: 1,
    description: 'Entries of the audit log moved to an archive.',
    data: z.strictObject({
      from: z.int().describe('First entry.'),
      to: z.int().describe('Entry after the last one.'),
      sha256: z.string().describe('SHA-256 of the archive, lower-case hex.'),
    }),
  },
  auditVerified: {
    type: 'audit.verified',
    v: 1,
    description: 'Every entry of the audit log was verified.',
    data: z.strictObject({ size: z.int().describe('Number of entries.') }),
  },
  auditBroken: {
    type: 'audit.broken',
    v: 1,
    description: 'Entries of the audit log failed verification.',
    data: z.strictObject({ findings: z.array(z.string()).describe('Failed entries, at most 20.') }),
    outcome: 'failed',
  },
  accessDenied: {
    type: 'access.denied',
    v: 1,
    description: 'An action was denied. Repeated denials within a minute are counted and reported together.',
    outcome: 'denied',
    data: z.strictObject({
      action: z.string().describe('Action: `secret:read`.'),
      kind: z.string().describe('Kind of the resource.'),
      name: z.string().optional().describe('Name of the resource; absent: all resources of the kind.'),
      project: z.string().optional().describe('Project; absent: organization.'),
      policies: z
        .array(z.string())
        .describe('IDs of the policies that denied it; empty if no role or policy allowed it.'),
      repeated: z.int().describe('Number of denials since the previous event.'),
    }),
  },
  ...registryEvents,
  ...commentEvents,
  ...nodeEvents,
  ...provisioningEvents,
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
