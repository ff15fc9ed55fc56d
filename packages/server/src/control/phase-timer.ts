/** Measures the phases of a start. */
import type { Clock } from '#lib/clock.ts';
import type { ControlIo } from './control-setup.ts';

export type PhaseTimer = <Result>(name: string, work: () => Promise<Result>) => Promise<Result>;

export function phaseTimer({ onPhase }: Pick<ControlIo, 'onPhase'>, clock: Clock): PhaseTimer {
  return async (name, work) => {
    const from = clock.now();
    const result = await work();
    onPhase(name, clock.now() - from);
    return result;
  };
}
