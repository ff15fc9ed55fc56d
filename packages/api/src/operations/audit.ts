import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { auditEntrySchema, auditFindingSchema } from '#records/audit.ts';

const target = () => ({ kind: 'Audit' });
const root = '/api/v1/organization/audit';

const time = z.iso.datetime({ offset: true });
const filter = {
  actor: z.string().min(1).max(256).optional().describe('Only entries of this user, service account or `dais`.'),
  type: z.string().min(1).max(128).optional().describe('Only entries of this type.'),
  kind: z.string().min(1).max(64).optional().describe('Only entries about this kind.'),
  name: z.string().min(1).max(256).optional().describe('Only entries about the resource of this name.'),
  outcome: z.enum(['succeeded', 'denied', 'failed']).optional().describe('Only entries with this outcome.'),
  requestId: z.string().min(1).max(128).optional().describe('Only entries of this request.'),
  from: time.optional().describe('Start time, inclusive.'),
  to: time.optional().describe('End time, exclusive.'),
};
const filterNames = ['actor', 'type', 'kind', 'name', 'outcome', 'requestId', 'from', 'to'] as const;

const entryPage = z.strictObject({
  items: z.array(auditEntrySchema).describe('Entries, newest first.'),
  nextCursor: z.string().optional(),
});

export const listAuditOperation = defineOperation({
  name: 'audit.list',
  action: 'audit:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches the audit log of a project, newest first.',
  input: z.strictObject({ ...pageInput, ...filter }),
  output: entryPage,
  target,
  roles: ['admin'],
  http: { method: 'GET', path: '/api/v1/audit/entries', status: 200, query: ['limit', 'cursor', ...filterNames] },
});

export const listOrganizationAuditOperation = defineOperation({
  name: 'organizationAudit.list',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Searches the audit log of the organization and all its projects, newest first.',
  input: z.strictObject({
    ...pageInput,
    ...filter,
    project: z.string().min(1).max(63).optional().describe('Only entries of this project.'),
  }),
  output: entryPage,
  target,
  roles: ['admin'],
  http: {
    method: 'GET',
    path: `${root}/entries`,
    status: 200,
    query: ['limit', 'cursor', 'project', ...filterNames],
  },
});

const seq = z.int().min(0);
const size = seq.optional().describe('Size of the log. Default: size of the newest checkpoint.');
const hash = z.string().describe('SHA-256, base64.');
const note = z.string().describe('Signed checkpoint: C2SP tlog-checkpoint in a signed note.');

export const readAuditBodiesOperation = defineOperation({
  name: 'audit.bodies',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns entries exactly as hashed, oldest first, for verification.',
  input: z.strictObject({
    after: seq.optional().describe('Start after this entry. Default: the first entry.'),
    limit: z.int().min(1).max(5000).default(1000).describe('Maximum entries per page.'),
  }),
  output: z.strictObject({
    items: z
      .array(
        z.strictObject({
          seq: z.int().describe('Index in the log, from 0.'),
          body: z.string().describe('Canonical JSON (RFC 8785); personal data is sealed.'),
          leaf: z.string().optional().describe('Stored hash of the entry, base64; absent in archives.'),
        }),
      )
      .describe('Entries, oldest first; empty at the end.'),
    size: z.int().describe('Number of entries in the log.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/bodies`, status: 200, query: ['after', 'limit'] },
});

export const exportAuditOperation = defineOperation({
  name: 'audit.export',
  action: 'audit:export',
  mode: 'write',
  scope: 'org',
  summary: 'Exports entries in readable form, oldest first. Each page creates an audit entry.',
  input: z.strictObject({
    after: z.int().min(0).optional().describe('Start after this entry. Default: the first entry.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum entries per page.'),
  }),
  output: z.strictObject({
    items: z.array(auditEntrySchema).describe('Entries, oldest first; empty at the end.'),
    size: z.int().describe('Number of entries in the log.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'POST', path: `${root}/actions/export`, status: 200 },
});

export const readAuditStatusOperation = defineOperation({
  name: 'audit.status',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the size, signed range and integrity of the audit log.',
  input: z.strictObject({}),
  output: z.strictObject({
    size: z.int().describe('Number of entries.'),
    root: hash.describe('Root hash of the Merkle tree: SHA-256, base64.'),
    origin: z.string().describe('Origin of the log in its checkpoints.'),
    checkpoint: z
      .strictObject({
        size: z.int().describe('Number of covered entries.'),
        at: z.string().describe('Time of signing.'),
        note,
      })
      .optional()
      .describe('Newest checkpoint; absent before the first one.'),
    archived: z.int().describe('Number of archived entries, from the first entry.'),
    hold: z.string().optional().describe('Reason of the legal hold; absent without one.'),
    check: z
      .strictObject({
        size: z.int().describe('Number of entries verified in the current round.'),
        checkedAt: z.string().optional().describe('Time of the last verification.'),
        completeAt: z.string().optional().describe('End of the last complete round.'),
        completeSize: z.int().optional().describe('Number of entries verified in that round.'),
        findings: z.array(auditFindingSchema).describe('Integrity problems; empty if there are none.'),
      })
      .describe('Automatic verification in the database.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/status`, status: 200 },
});

export const readAuditKeyOperation = defineOperation({
  name: 'audit.key',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the public key that verifies checkpoints. Store it outside of Dais.',
  input: z.strictObject({}),
  output: z.strictObject({
    origin: z.string().describe('Origin of the log in its checkpoints.'),
    verifierKey: z.string().describe('Verifier key of signed notes (Ed25519): `name+hash+key`.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/key`, status: 200 },
});

export const listAuditCheckpointsOperation = defineOperation({
  name: 'audit.checkpoints',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists signed checkpoints of the database, smallest first.',
  input: z.strictObject({
    after: seq.optional().describe('Only checkpoints with more entries.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum per page.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        size: z.int().describe('Number of covered entries.'),
        at: z.string().describe('Time of signing.'),
        note,
      }),
    ),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/checkpoints`, status: 200, query: ['after', 'limit'] },
});

export const proveAuditEntryOperation = defineOperation({
  name: 'audit.prove',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns an inclusion proof of an entry for a checkpoint.',
  input: z.strictObject({ seq: seq.describe('Index of the entry.'), size }),
  output: z.strictObject({
    seq: z.int().describe('Index of the entry.'),
    body: z.string().describe('Entry as hashed.'),
    size: z.int().describe('Size of the log of the proof.'),
    path: z.array(hash).describe('Hashes from the leaf to the root.'),
    root: hash.describe('Resulting root hash: SHA-256, base64.'),
    checkpoint: note.optional().describe('Checkpoint of exactly this size; absent if none was signed.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/proof`, status: 200, query: ['seq', 'size'] },
});

export const proveAuditConsistencyOperation = defineOperation({
  name: 'audit.proveConsistency',
  action: 'audit:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns a consistency proof between two sizes of the log.',
  input: z.strictObject({ from: seq.describe('Earlier size.'), size }),
  output: z.strictObject({
    from: z.int().describe('Earlier size.'),
    fromRoot: hash.describe('Root hash of the earlier log: SHA-256, base64.'),
    size: z.int().describe('Later size.'),
    root: hash.describe('Root hash of the later log: SHA-256, base64.'),
    path: z.array(hash).describe('Consistency proof of RFC 9162.'),
  }),
  target,
  roles: ['admin'],
  http: { method: 'GET', path: `${root}/consistency`, status: 200, query: ['from', 'size'] },
});

export const forgetPersonOperation = defineOperation({
  name: 'audit.forget',
  action: 'audit:forget',
  mode: 'write',
  scope: 'org',
  summary: 'Erases the personal data of a user from the audit log. Entries stay verifiable.',
  input: z.strictObject({ user: z.string().min(1).max(256).describe('Login name.') }),
  output: z.strictObject({ person: z.string().describe('Pseudonym that replaces the name in the entries.') }),
  target,
  roles: ['admin'],
  http: { method: 'POST', path: `${root}/actions/forget`, status: 200 },
});

export const holdAuditOperation = defineOperation({
  name: 'audit.hold',
  action: 'audit:hold',
  mode: 'write',
  scope: 'org',
  summary: 'Starts or ends a legal hold, which prevents archiving and erasure.',
  input: z.strictObject({
    reason: z.string().min(1).max(1024).optional().describe('Reason of the hold. Absent: ends the hold.'),
  }),
  output: z.strictObject({ hold: z.string().optional().describe('Reason; absent without a hold.') }),
  target,
  roles: ['admin'],
  http: { method: 'POST', path: `${root}/actions/hold`, status: 200 },
});

export const auditOperations: readonly Operation[] = [
  listAuditOperation,
  listOrganizationAuditOperation,
  readAuditBodiesOperation,
  exportAuditOperation,
  readAuditStatusOperation,
  readAuditKeyOperation,
  listAuditCheckpointsOperation,
  proveAuditEntryOperation,
  proveAuditConsistencyOperation,
  forgetPersonOperation,
  holdAuditOperation,
];
