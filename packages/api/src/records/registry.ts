import { z } from 'zod';
import { modelTypes, stages } from '#kinds/model.ts';
import { actorSchema } from '#manifest.ts';

/** Registered models: versions, aliases, and approvals. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const tagsSchema = z.record(z.string(), z.string());

export const modelVersionSchema = z.strictObject({
  model: z.string().describe('Name of the model.'),
  type: z.enum(modelTypes).describe('Id of the model.'),
  version: z.int().describe('Version number. Numbers of deleted versions are not reused.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: actorSchema.describe('User who registered it.'),
  description: z.string().describe('Text; can be empty.'),
  source: z.string().describe('Source, as given by the client.'),
  artifactUri: z.string().describe('Artifact location.'),
  runId: z.string().optional().describe('Id of the run that created it.'),
  loggedModelId: z.string().optional().describe('Id of the logged model.'),
  runLink: z.string().optional().describe('URL of the run, if it is in another system.'),
  stage: z.enum(stages).describe('Stage (deprecated by MLflow in favor of aliases).'),
  tags: tagsSchema.describe('Tags.'),
  aliases: z.array(z.string()).describe('Current name.'),
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

export const registeredModelSchema = z.strictObject({
  name: z.string().describe('Name, unique in the project.'),
  uid: z.string().describe('Uid of the Model resource.'),
  type: z.enum(modelTypes).describe('`prompt`: the versions are prompts for a language model.'),
  description: z.string().describe('Description from the manifest, otherwise from the client. Can be empty.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  tags: tagsSchema.describe('Tags.'),
  aliases: z.record(z.string(), z.int()).describe('Version number per alias.'),
  latestVersions: z.array(modelVersionSchema).describe('Newest version per stage.'),
});
export type RegisteredModel = z.infer<typeof registeredModelSchema>;

export const approvalStates = ['pending', 'approved', 'rejected', 'withdrawn'] as const;
export type ApprovalState = (typeof approvalStates)[number];

export const approvalDecisionSchema = z.strictObject({
  by: actorSchema.describe('Approver.'),
  at: milliseconds,
  decision: z.enum(['approve', 'reject']),
  reason: z.string().describe('Reason; can be empty.'),
  teams: z.array(z.string()).describe('Teams of the rule that the approver was a member of.'),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;

export const missingApprovalSchema = z.strictObject({
  team: z.string().optional().describe('A Team.'),
  user: z.string().optional().describe('Name of a User.'),
  approvals: z.int().describe('Number of missing approvals.'),
});
export type MissingApproval = z.infer<typeof missingApprovalSchema>;

export const approvalSchema = z.strictObject({
  number: z.int().describe('Approval number, unique per model.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of the version.'),
  alias: z.string().optional().describe('Alias that moves to the version,'),
  stage: z.enum(stages).optional().describe('or the stage that it enters.'),
  state: z.enum(approvalStates).describe('`pending` until all approvals are given or one is rejected.'),
  moveWhenApproved: z.boolean().describe('Whether the alias moves, or the stage changes, with the last approval.'),
  reason: z.string().describe('Reason of the request.'),
  requestedBy: actorSchema.describe('User who requested it.'),
  requestedAt: milliseconds,
  decisions: z.array(approvalDecisionSchema).describe('Decisions in order.'),
  missing: z.array(missingApprovalSchema).describe('Missing approvals according to the current rule.'),
});
export type Approval = z.infer<typeof approvalSchema>;
