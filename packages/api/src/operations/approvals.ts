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
  summary: 'Asks those who must approve before an alias moves to a version, or the version enters a stage.',
  input: z.strictObject({
    name: modelName,
    version: versionNumber,
    alias: aliasSchema.optional().describe('The alias that would move,'),
    stage: z.enum(stages).optional().describe('or the stage. Exactly one of both.'),
    reason: reason.default('').describe('Why: for those who decide.'),
    moveWhenApproved: z.boolean().default(true).describe('Do it with the last approval, without being asked again.'),
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
    state: z.enum(approvalStates).optional().describe('Only those in this state.'),
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
    state: z.enum(approvalStates).optional().describe('Only those in this state.'),
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
  summary: 'Gives an approval: who asked, who decided what, and whose word is missing.',
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
  summary: 'Approves. With the last approval that the rule asks for, the alias moves or the stage changes.',
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
  summary: 'Rejects: the approval is over, and has to be asked for again.',
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
  summary: 'Takes the question back: an approval that nobody waits for any more.',
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
