import { z } from 'zod';
import { aliasSchema, modelKind, stages } from '#kinds/model.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';
import { pageInput } from '#operations/resources.ts';
import { approvalSchema, approvalStates } from '#records/registry.ts';

const base = '/api/v1/registry/models/:name/approvals' as const;
const ofModel = ({ name }: { readonly name: string }) => ({ kind: modelKind.kind, name });
const number = z.string().regex(/^[1-9]\d{0,8}$/);
const one = { name: modelName, number: number.describe('Number of the approval.') };
const reason = z.string().max(4096);

export const requestApprovalOperation = defineOperation({
  name: 'modelApproval.request',
  action: 'model:promote',
  mode: 'write',
  scope: 'project',
  summary: 'Requests approval for moving an alias to a version or for a stage change.',
  input: z.strictObject({
    name: modelName,
    version: versionNumber,
    alias: aliasSchema.optional().describe('Alias that moves,'),
    stage: z.enum(stages).optional().describe('or the stage. Set exactly one.'),
    reason: reason.default('').describe('Reason, shown to the approvers.'),
    moveWhenApproved: z.boolean().default(true).describe('Apply the change automatically with the last approval.'),
  }),
  output: approvalSchema,
  target: ofModel,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: base, status: 201 },
});

export const listApprovalsOperation = defineOperation({
  name: 'modelApproval.list',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the approvals of a model, newest first.',
  input: z.strictObject({
    name: modelName,
    state: z.enum(approvalStates).optional().describe('Only approvals in this state.'),
    ...pageInput,
  }),
  output: z.strictObject({ items: z.array(approvalSchema), nextCursor: z.string().optional() }),
  target: ofModel,
  http: { method: 'GET', path: base, status: 200, query: ['state', 'limit', 'cursor'] },
});

export const listAllApprovalsOperation = defineOperation({
  name: 'modelApproval.listAll',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the approvals of all models of a project, newest first.',
  input: z.strictObject({
    state: z.enum(approvalStates).optional().describe('Only approvals in this state.'),
    ...pageInput,
  }),
  output: z.strictObject({ items: z.array(approvalSchema), nextCursor: z.string().optional() }),
  target: () => ({ kind: modelKind.kind }),
  http: { method: 'GET', path: '/api/v1/registry/approvals', status: 200, query: ['state', 'limit', 'cursor'] },
});

export const readApprovalOperation = defineOperation({
  name: 'modelApproval.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an approval with its requester, decisions and missing approvers.',
  input: z.strictObject(one),
  output: approvalSchema,
  target: ofModel,
  http: { method: 'GET', path: `${base}/:number`, status: 200 },
});

export const approveOperation = defineOperation({
  name: 'modelApproval.approve',
  action: 'model:approve',
  mode: 'write',
  scope: 'project',
  summary: 'Approves. The last required approval applies the change.',
  input: z.strictObject({ ...one, reason: reason.default('').describe('Why.') }),
  output: approvalSchema,
  target: ofModel,
  http: { method: 'POST', path: `${base}/:number/approve`, status: 200 },
});

export const rejectOperation = defineOperation({
  name: 'modelApproval.reject',
  action: 'model:approve',
  mode: 'write',
  scope: 'project',
  summary: 'Rejects. The approval ends and must be requested again.',
  input: z.strictObject({ ...one, reason: reason.min(1).describe('Why.') }),
  output: approvalSchema,
  target: ofModel,
  http: { method: 'POST', path: `${base}/:number/reject`, status: 200 },
});

export const withdrawApprovalOperation = defineOperation({
  name: 'modelApproval.withdraw',
  action: 'model:promote',
  mode: 'write',
  scope: 'project',
  summary: 'Withdraws an approval request.',
  input: z.strictObject(one),
  output: approvalSchema,
  target: ofModel,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: `${base}/:number/withdraw`, status: 200 },
});

export const approvalOperations: readonly Operation[] = [
  requestApprovalOperation,
  listApprovalsOperation,
  listAllApprovalsOperation,
  readApprovalOperation,
  approveOperation,
  rejectOperation,
  withdrawApprovalOperation,
];
