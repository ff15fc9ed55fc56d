import type { Resource } from '@dais/api';
import type { ControllerPlan } from '#kernel/kind.ts';
import type { DeliveryFacts } from './alert-deliveries.ts';

/** The conditions of a channel, as far as they are known without sending. */
export interface ChannelFacts extends DeliveryFacts {
  /** Why nothing can be sent through it. */
  readonly problem?: { readonly reason: string; readonly message: string; readonly unknown?: true };
}

/** Pure: whether the channel is ready, from its parts and from what became of its latest delivery. Has no effects. */
export function planChannel(resource: Resource, facts: ChannelFacts): ControllerPlan<never> {
  const { pending, lastDeliveredAt, failure } = facts;
  return {
    effects: [],
    conditions: [{ type: 'Ready', ...ready(resource.metadata.generation, facts) }],
    status: {
      pending,
      lastDeliveredAt: lastDeliveredAt?.toISOString(),
      lastFailure: failure && {
        at: failure.at.toISOString(),
        deliveryId: failure.deliveryId,
        attempts: failure.attempts,
        reason: failure.reason,
        givenUp: failure.givenUp,
      },
    },
  };
}

function ready(generation: number, { problem, failure, lastDeliveredAt }: ChannelFacts) {
  if (problem !== undefined) {
    const { reason, message } = problem;
    return { status: problem.unknown === true ? ('Unknown' as const) : ('False' as const), reason, message };
  }
  // A failure before the channel changed is not relevant for the current channel.
  if (failure !== undefined && failure.generation === generation) {
    const times = failure.attempts === 1 ? '1 attempt' : `${failure.attempts} attempts`;
    return failure.givenUp
      ? {
          status: 'False' as const,
          reason: 'DeliveryFailed',
          message: `The delivery of an alert failed permanently after ${times}: ${failure.reason}.`,
        }
      : {
          status: 'False' as const,
          reason: 'Retrying',
          message: `The delivery of an alert failed after ${times} and will be retried: ${failure.reason}.`,
        };
  }
  return lastDeliveredAt === undefined
    ? { status: 'True' as const, reason: 'Configured', message: 'No alert was sent yet.' }
    : { status: 'True' as const, reason: 'Delivered', message: 'The latest alert was delivered.' };
}
