import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const id = z.string().describe('Id of the rollout.');
const to = z.string().describe('The model that takes over: `models:/flights/7`.');
const from = z.string().optional().describe('The model before it; absent: the first one.');
const weight = z.number().describe('Percent of the traffic.');
const reason = z.string().describe('Why.');
const variant = z.string().describe('Name of the variant or shadow.');
const model = z.string().describe('`models:/flights/7`, `runs:/…`.');

/** The subject of each is the Endpoint. */
export const servingEvents = {
  rolloutStarted: {
    type: 'endpoint.rollout.started',
    v: 1,
    description: 'A version of a model began to take over at an endpoint.',
    data: z.strictObject({ id, from, to, cause: z.string().describe('`deploy`, `alias`, `rollback`.') }),
  },
  rolloutStepped: {
    type: 'endpoint.rollout.stepped',
    v: 1,
    description: 'The new version of an endpoint got more of the traffic.',
    data: z.strictObject({ id, to, weight }),
  },
  rolloutPaused: {
    type: 'endpoint.rollout.paused',
    v: 1,
    description: 'A rollout stays where it is until somebody says otherwise.',
    data: z.strictObject({ id, to, weight, reason }),
  },
  rolloutResumed: {
    type: 'endpoint.rollout.resumed',
    v: 1,
    description: 'A paused rollout goes on.',
    data: z.strictObject({ id, to, weight, reason }),
  },
  rolloutPromoted: {
    type: 'endpoint.rollout.promoted',
    v: 1,
    description: 'A version of a model answers all requests of an endpoint.',
    data: z.strictObject({ id, from, to, reason }),
  },
  rolloutRolledBack: {
    type: 'endpoint.rollout.rolledback',
    v: 1,
    description: 'A new version was found to be worse, or did not load: the one before answers all requests.',
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
    description: 'The process of a model ended abnormally twice: the model is not loaded until someone decides.',
    outcome: 'failed',
    data: z.strictObject({ model, reason }),
  },
  modelResumed: {
    type: 'endpoint.model.resumed',
    v: 1,
    description: 'A quarantined model is loaded again because someone asked for it.',
    data: z.strictObject({ model, reason }),
  },
  variantMoved: {
    type: 'endpoint.variant.moved',
    v: 1,
    description: 'A variant or shadow of an endpoint serves another model.',
    data: z.strictObject({ variant, from, to: model }),
  },
  variantRefused: {
    type: 'endpoint.variant.refused',
    v: 1,
    description: 'An alias moved, and a policy refuses that a variant or shadow follows it: it keeps its model.',
    outcome: 'failed',
    data: z.strictObject({ variant, from, to: model, reason }),
  },
  rolloutAborted: {
    type: 'endpoint.rollout.aborted',
    v: 1,
    description: 'Somebody ended a rollout: the version before answers all requests.',
    data: z.strictObject({ id, from, to, reason }),
  },
} as const satisfies Record<string, EventType>;
