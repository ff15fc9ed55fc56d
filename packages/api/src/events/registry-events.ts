import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const version = z.int().describe('Number of the version.');
const versionBefore = z.int().optional().describe('Where it pointed before.');
const key = z.string().describe('Key of the tag.');
const value = z.string().describe('Its value; at most the first 1,000 characters.');
const approval = {
  approval: z.int().describe('Number of the approval among those of the model.'),
  version,
  alias: z.string().optional().describe('The alias that would move,'),
  stage: z.string().optional().describe('or the stage that the version would enter.'),
};
const reason = z.string().describe('Why, as they said.');

/** The subject of each is the Model resource. */
export const registryEvents = {
  modelRenamed: {
    type: 'model.renamed',
    v: 1,
    description: 'A model got another name. The subject is the model under its new name, which is another resource.',
    data: z.strictObject({
      from: z.string().describe('The name before.'),
      fromUid: z.string().describe('Uid of the resource before.'),
    }),
  },
  modelDescribed: {
    type: 'model.described',
    v: 1,
    description: 'A client described a model.',
    data: z.strictObject({}),
  },
  modelTagged: {
    type: 'model.tagged',
    v: 1,
    description: 'A tag of a model was set.',
    data: z.strictObject({
      key,
      value,
      initial: z.literal(true).optional().describe('It was set as the model was registered.'),
    }),
  },
  modelUntagged: {
    type: 'model.untagged',
    v: 1,
    description: 'A tag of a model was taken away.',
    data: z.strictObject({ key }),
  },
  modelVersionCreated: {
    type: 'model.version.created',
    v: 1,
    description: 'A version of a model was registered.',
    data: z.strictObject({
      version,
      source: z.string().describe('Where it was taken from.'),
      runId: z.string().optional().describe('The run that made it.'),
      loggedModelId: z.string().optional().describe('The logged model that it is.'),
      tags: z.record(z.string(), z.string()).describe('Its tags; at most the first 1,000 characters of each value.'),
    }),
  },
  modelVersionDescribed: {
    type: 'model.version.described',
    v: 1,
    description: 'A version of a model was described.',
    data: z.strictObject({ version }),
  },
  modelVersionDeleted: {
    type: 'model.version.deleted',
    v: 1,
    description: 'A version of a model was deleted, and its aliases with it.',
    data: z.strictObject({
      version,
      source: z.string().describe('Where it had been taken from.'),
      aliases: z.array(z.string()).describe('What it was called.'),
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
    description: 'A tag of a version was taken away.',
    data: z.strictObject({ version, key }),
  },
  modelVersionStaged: {
    type: 'model.version.staged',
    v: 1,
    description: 'A version entered a stage.',
    data: z.strictObject({
      version,
      from: z.string().describe('The stage before.'),
      to: z.string().describe('The stage now.'),
      archived: z.array(z.int()).describe('Versions that left the stage for `Archived`.'),
      approvals: z.array(z.int()).describe('Numbers of the approvals that let it.'),
    }),
  },
  modelAliasSet: {
    type: 'model.alias.set',
    v: 1,
    description: 'An alias points to a version.',
    data: z.strictObject({
      alias: z.string().describe('The alias.'),
      version,
      before: versionBefore,
      approvals: z.array(z.int()).describe('Numbers of the approvals that let it.'),
    }),
  },
  modelAliasRemoved: {
    type: 'model.alias.removed',
    v: 1,
    description: 'An alias was taken away.',
    data: z.strictObject({ alias: z.string().describe('The alias.'), version }),
  },
  approvalRequested: {
    type: 'model.approval.requested',
    v: 1,
    description: 'Somebody asked for the approval of a version.',
    data: z.strictObject({ ...approval, reason }),
  },
  approvalGiven: {
    type: 'model.approval.given',
    v: 1,
    description: 'Somebody approved a version.',
    data: z.strictObject({ ...approval, reason, complete: z.boolean().describe('Nobody else has to.') }),
  },
  approvalRejected: {
    type: 'model.approval.rejected',
    v: 1,
    description: 'Somebody rejected a version.',
    data: z.strictObject({ ...approval, reason }),
  },
  approvalWithdrawn: {
    type: 'model.approval.withdrawn',
    v: 1,
    description: 'Whoever asked for an approval waits for it no more.',
    data: z.strictObject(approval),
  },
} as const satisfies Record<string, EventType>;
