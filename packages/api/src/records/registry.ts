import { z } from 'zod';
import { modelTypes, stages } from '#kinds/model.ts';
import { actorSchema } from '#manifest.ts';

/** What became of a model: its versions, what they are called, and who approved that. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const tagsSchema = z.record(z.string(), z.string());

export const modelVersionSchema = z.strictObject({
  model: z.string().describe('Name of its model.'),
  type: z.enum(modelTypes).describe('Of its model.'),
  version: z.int().describe('Its number; one that was deleted is not given again.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: actorSchema.describe('Who registered it.'),
  description: z.string().describe('May be empty.'),
  source: z.string().describe('Where it was taken from, as the client said.'),
  artifactUri: z.string().describe('Artifact location.'),
  runId: z.string().optional().describe('Id of the run that created it.'),
  loggedModelId: z.string().optional().describe('The logged model that it is.'),
  runLink: z.string().optional().describe('Address of the run, where that is elsewhere.'),
  stage: z.enum(stages).describe('The older way of saying how far it has come.'),
  tags: tagsSchema.describe('Tags.'),
  aliases: z.array(z.string()).describe('What it is called now.'),
});
export type ModelVersion = z.infer<typeof modelVersionSchema>;

export const registeredModelSchema = z.strictObject({
  name: z.string().describe('Name, unique in the project.'),
  uid: z.string().describe('Of the Model resource.'),
  type: z.enum(modelTypes).describe('`prompt`: its versions are texts for a language model.'),
  description: z.string().describe('Of the manifest or, where that has none, as a client said. May be empty.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  tags: tagsSchema.describe('Tags.'),
  aliases: z.record(z.string(), z.int()).describe('Number of the version behind each alias.'),
  latestVersions: z.array(modelVersionSchema).describe('The newest version in each stage.'),
});
export type RegisteredModel = z.infer<typeof registeredModelSchema>;

export const approvalStates = ['pending', 'approved', 'rejected', 'withdrawn'] as const;
export type ApprovalState = (typeof approvalStates)[number];

export const approvalDecisionSchema = z.strictObject({
  by: actorSchema.describe('Who decided.'),
  at: milliseconds,
  decision: z.enum(['approve', 'reject']),
  reason: z.string().describe('Reason; can be empty.'),
  teams: z.array(z.string()).describe('Teams of the rule that they were a member of then.'),
});
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;

export const missingApprovalSchema = z.strictObject({
  team: z.string().optional().describe('A Team.'),
  user: z.string().optional().describe('Or a User.'),
  approvals: z.int().describe('How many more.'),
});
export type MissingApproval = z.infer<typeof missingApprovalSchema>;

export const approvalSchema = z.strictObject({
  number: z.int().describe('Its number among the approvals of the model.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of the version.'),
  alias: z.string().optional().describe('The alias that would move to it,'),
  stage: z.enum(stages).optional().describe('or the stage that it would enter.'),
  state: z.enum(approvalStates).describe('`pending` until all have approved or one has rejected.'),
  moveWhenApproved: z.boolean().describe('The alias moves, or the stage changes, with the last approval.'),
  reason: z.string().describe('Reason of the request.'),
  requestedBy: actorSchema.describe('User who requested it.'),
  requestedAt: milliseconds,
  decisions: z.array(approvalDecisionSchema).describe('Who decided what, in order.'),
  missing: z.array(missingApprovalSchema).describe('Whose approval is missing, by the rule of now.'),
});
export type Approval = z.infer<typeof approvalSchema>;
