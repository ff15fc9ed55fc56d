import type { ControllerInput, ControllerPlan } from '#kernel/kind.ts';

/** What is there, as `observe` found it. */
export interface EndpointObserved {
  readonly exists: boolean;
}

/** What `perform` can do; each may be repeated after a crash. */
export interface EndpointEffect {
  readonly type: 'create';
}

/** Decides, without I/O and without a clock, what is to be done and what can be said of the resource. */
export function planEndpoint({ observed }: ControllerInput<EndpointObserved>): ControllerPlan<EndpointEffect> {
  if (!observed.exists) {
    return {
      effects: [{ type: 'create' }],
      conditions: [{ type: 'Ready', status: 'False', reason: 'Creating', message: 'It is being made.' }],
    };
  }
  return {
    effects: [],
    conditions: [{ type: 'Ready', status: 'True', reason: 'Exists', message: 'It is as its spec says.' }],
  };
}
