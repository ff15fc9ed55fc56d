import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const id = z.string().describe('Id of the rollout.');
const to = z.string().describe('New model: `models:/flights/7`.');
const from = z.string().optional().describe('Previous model; absent for the first one.');
const weight = z.number().describe('Traffic in percent.');
const reason = z.string().describe('Why.');
const variant = z.string().describe('Name of the variant or shadow.');
const model = z.string().describe('`models:/flights/7`, `runs:/…`.');

/** The subject of each is the Endpoint. */
export const servingEvents = {
  rolloutStarted: {
    type: 'endpoint.rollout.started',
    v: 1,
    description: 'A rollout started at an endpoint.',
    data: z.strictObject({ id, from, to, cause: z.string().describe('`deploy`, `alias`, `rollback`.') }),
  },
  rolloutStepped: {
    type: 'endpoint.rollout.stepped',
    v: 1,
    description: 'A rollout shifted more traffic to the new version.',
    data: z.strictObject({ id, to, weight }),
  },
  rolloutPaused: {
    type: 'endpoint.rollout.paused',
    v: 1,
    description: 'A rollout was paused.',
    data: z.strictObject({ id, to, weight, reason }),
  },
  rolloutResumed: {
    type: 'endpoint.rollout.resumed',
    v: 1,
    description: 'A paused rollout was resumed.',
    data: z.strictObject({ id, to, weight, reason }),
  },
  rolloutPromoted: {
    type: 'endpoint.rollout.promoted',
    v: 1,
    description: 'A rollout was promoted: the new version serves all requests.',
    data: z.strictObject({ id, from, to, reason }),
  },
  rolloutRolledBack: {
    type: 'endpoint.rollout.rolledback',
    v: 1,
    description: 'A rollout was rolled back: the new version failed, and the previous version serves all requests.',
    outcome: 'failed',
    data: z.strictObject({ id, from, to, reason }),
  },
  rolloutFailed: {
    type: 'endpoint.rollout.failed',
    v: 1,
    description: 'The process of a new version ended abnormally twice; the version is quarantined and gets no traffic.',
    outcome: 'failed',
    data: z.strictObject({ id, from, to, reason }),
  },
  modelQuarantined: {
    type: 'endpoint.model.quarantined',
    v: 1,
    description: 'The process of a model ended abnormally twice. The model is quarantined until someone decides.',
    outcome: 'failed',
    data: z.strictObject({ model, reason }),
  },
  modelResumed: {
    type: 'endpoint.model.resumed',
    v: 1,
    description: 'A quarantined model was reloaded on request.',
    data: z.strictObject({ model, reason }),
  },
  variantMoved: {
    type: 'endpoint.variant.moved',
    v: 1,
    description: 'The model of a variant or shadow changed.',
    data: z.strictObject({ variant, from, to: model }),
  },
  variantRefused: {
    type: 'endpoint.variant.refused',
    v: 1,
    description: 'An alias moved, but a policy denies that a variant or shadow follows it. It keeps its model.',
    outcome: 'failed',
    data: z.strictObject({ variant, from, to: model, reason }),
  },
  rolloutAborted: {
    type: 'endpoint.rollout.aborted',
    v: 1,
    description: 'A rollout was aborted: the previous version serves all requests.',
    data: z.strictObject({ id, from, to, reason }),
  },
} as const satisfies Record<string, EventType>;
