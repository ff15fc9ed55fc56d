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
  items: z.array(auditEntrySchema).describe('Newest first.'),
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
const size = seq.optional().describe('Size of the log that is meant. Default: that of the newest checkpoint.');
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
          body: z.string().describe('Canonical JSON (RFC 8785); personal parts are sealed.'),
          leaf: z.string().optional().describe('Stored hash of the entry, base64; absent in archives.'),
        }),
      )
      .describe('Oldest first; empty at the end.'),
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
    items: z.array(auditEntrySchema).describe('Oldest first; empty at the end.'),
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
    size: z.int().describe('Entries there are.'),
    root: hash.describe('Root of the tree over them: SHA-256, base64.'),
    origin: z.string().describe('What checkpoints of this log are signed for.'),
    checkpoint: z
      .strictObject({
        size: z.int().describe('Entries it covers.'),
        at: z.string().describe('When it was signed.'),
        note,
      })
      .optional()
      .describe('The newest; absent before the first.'),
    archived: z.int().describe('Number of archived entries, from the first entry.'),
    hold: z.string().optional().describe('Why nothing may leave the table; absent without a legal hold.'),
    check: z
      .strictObject({
        size: z.int().describe('How far the running round has come.'),
        checkedAt: z.string().optional().describe('When it last looked.'),
        completeAt: z.string().optional().describe('When a round last ended.'),
        completeSize: z.int().optional().describe('Number of entries verified in that round.'),
        findings: z.array(auditFindingSchema).describe('What did not fit; empty when all did.'),
      })
      .describe('The automatic verification in the database.'),
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
    origin: z.string().describe('What checkpoints of this log are signed for.'),
    verifierKey: z.string().describe('`name+hash+key`, as verifiers of signed notes take it (Ed25519).'),
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
    after: seq.optional().describe('Only those over more entries.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Most in one page.'),
  }),
  output: z.strictObject({
    items: z.array(
      z.strictObject({
        size: z.int().describe('Entries it covers.'),
        at: z.string().describe('When it was signed.'),
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
  input: z.strictObject({ seq: seq.describe('The entry.'), size }),
  output: z.strictObject({
    seq: z.int().describe('The entry.'),
    body: z.string().describe('The entry, as it was hashed.'),
    size: z.int().describe('Size of the log that the proof is for.'),
    path: z.array(hash).describe('Hashes from the leaf to the root.'),
    root: hash.describe('What they lead to: SHA-256, base64.'),
    checkpoint: note.optional().describe('Signed over exactly this log; absent when none was.'),
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
  input: z.strictObject({ from: seq.describe('The earlier size.'), size }),
  output: z.strictObject({
    from: z.int().describe('The earlier size.'),
    fromRoot: hash.describe('Root of the earlier log: SHA-256, base64.'),
    size: z.int().describe('The later size.'),
    root: hash.describe('Root of the later log: SHA-256, base64.'),
    path: z.array(hash).describe('The proof of RFC 9162.'),
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
  output: z.strictObject({ person: z.string().describe('Id that the entries go on to have in place of the name.') }),
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
  output: z.strictObject({ hold: z.string().optional().describe('The reason; absent without a hold.') }),
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
