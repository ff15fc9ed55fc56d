import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const versionBefore = z.int().optional().describe('Version that it pointed to before.');
const key = z.string().describe('Key of the tag.');
const value = z.string().describe('Value; at most 1,000 characters.');
const approval = {
  approval: z.int().describe('Number of the approval among those of the model.'),
  version,
  alias: z.string().optional().describe('Alias that moves,'),
  stage: z.string().optional().describe('or the stage that the version enters.'),
};
const reason = z.string().describe('Reason that the user entered.');

/** The subject of each is the Model resource. */
export const registryEvents = {
  modelRenamed: {
    type: 'model.renamed',
    v: 1,
    description: 'A model was renamed. The subject is the model under its new name, which is a new resource.',
    data: z.strictObject({
      from: z.string().describe('Previous name.'),
      fromUid: z.string().describe('Uid of the previous resource.'),
    }),
  },
  modelDescribed: {
    type: 'model.described',
    v: 1,
    description: 'The description of a model changed.',
    data: z.strictObject({}),
  },
  modelTagged: {
    type: 'model.tagged',
    v: 1,
    description: 'A tag of a model was set.',
    data: z.strictObject({
      key,
      value,
      initial: z.literal(true).optional().describe('Whether it was set at registration.'),
    }),
  },
  modelUntagged: {
    type: 'model.untagged',
    v: 1,
    description: 'A tag of a model was removed.',
    data: z.strictObject({ key }),
  },
  modelVersionCreated: {
    type: 'model.version.created',
    v: 1,
    description: 'A model version was registered.',
    data: z.strictObject({
      version,
      source: z.string().describe('Source of the version.'),
      runId: z.string().optional().describe('Source run.'),
      loggedModelId: z.string().optional().describe('Source logged model.'),
      tags: z.record(z.string(), z.string()).describe('Tags; at most 1,000 characters per value.'),
    }),
  },
  modelVersionDescribed: {
    type: 'model.version.described',
    v: 1,
    description: 'The description of a model version changed.',
    data: z.strictObject({ version }),
  },
  modelVersionDeleted: {
    type: 'model.version.deleted',
    v: 1,
    description: 'A model version was deleted with its aliases.',
    data: z.strictObject({
      version,
      source: z.string().describe('Source of the version.'),
      aliases: z.array(z.string()).describe('Aliases of the version.'),
    }),
  },
  modelVersionTagged: {
    type: 'model.version.tagged',
    v: 1,
    description: 'A tag of a version was set.',
    data: z.strictObject({ version, key, value }),
  },
  modelVersionUntagged: {
    type: 'model.version.untagged',
    v: 1,
    description: 'A tag of a version was removed.',
    data: z.strictObject({ version, key }),
  },
  modelVersionStaged: {
    type: 'model.version.staged',
    v: 1,
    description: 'The stage of a version changed.',
    data: z.strictObject({
      version,
      from: z.string().describe('Previous stage.'),
      to: z.string().describe('New stage.'),
      archived: z.array(z.int()).describe('Versions that left the stage for `Archived`.'),
      approvals: z.array(z.int()).describe('Numbers of the approvals.'),
    }),
  },
  modelAliasSet: {
    type: 'model.alias.set',
    v: 1,
    description: 'An alias was set on a version.',
    data: z.strictObject({
      alias: z.string().describe('Alias.'),
      version,
      before: versionBefore,
      approvals: z.array(z.int()).describe('Numbers of the approvals.'),
    }),
  },
  modelAliasRemoved: {
    type: 'model.alias.removed',
    v: 1,
    description: 'An alias was removed.',
    data: z.strictObject({ alias: z.string().describe('Alias.'), version }),
  },
  approvalRequested: {
    type: 'model.approval.requested',
    v: 1,
    description: 'The approval of a version was requested.',
    data: z.strictObject({ ...approval, reason }),
  },
  approvalGiven: {
    type: 'model.approval.given',
    v: 1,
    description: 'A version was approved.',
    data: z.strictObject({
      ...approval,
      reason,
      complete: z.boolean().describe('Whether it was the last required approval.'),
    }),
  },
  approvalRejected: {
    type: 'model.approval.rejected',
    v: 1,
    description: 'A version was rejected.',
    data: z.strictObject({ ...approval, reason }),
  },
  approvalWithdrawn: {
    type: 'model.approval.withdrawn',
    v: 1,
    description: 'An approval request was withdrawn.',
    data: z.strictObject(approval),
  },
} as const satisfies Record<string, EventType>;
