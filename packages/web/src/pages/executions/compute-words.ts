/** Texts of quotas, usage and pending reasons. Pure functions. */
import type { ComputeLimits, ComputeUse, ExecutionWait } from '@dais/api/executions';
import { noteSentence } from './attempt-words.ts';
import { bytesText, type StateWords } from './execution-words.ts';

/** One line of usage: a resource or a number of steps. */
export interface UsageRow {
  readonly name: string;
  readonly used: number;
  /** Undefined: no limit. */
  readonly limit: number | undefined;
  readonly usedText: string;
  readonly limitText: string;
}

const TITLES: Readonly<Record<string, string>> = { cpu: 'CPU', memory: 'Memory', disk: 'Disk' };

export function resourceTitle(name: string): string {
  if (name === 'runningSteps') return 'Running steps';
  return TITLES[name] ?? name;
}

/** `8 cores`, `16 GB`, `2`. */
export function amountText(name: string, amount: number): string {
  if (name === 'memory' || name === 'disk') return bytesText(amount);
  const number = Number(amount.toPrecision(4)).toLocaleString('en');
  return name === 'cpu' ? `${number} ${amount === 1 ? 'core' : 'cores'}` : number;
}

/** CPU and memory always, other resources where they are used or limited. */
export function resourceNames(...amounts: readonly Readonly<Record<string, number>>[]): readonly string[] {
  return [...new Set(['cpu', 'memory', ...amounts.flatMap((one) => Object.keys(one))])];
}

export function usageRows(use: ComputeUse, limits: ComputeLimits): readonly UsageRow[] {
  const count = (name: string, used: number, limit: number): UsageRow => ({
    name,
    used,
    limit,
    usedText: used.toLocaleString('en'),
    limitText: limit.toLocaleString('en'),
  });
  return [
    count('Running steps', use.runningSteps, limits.runningSteps),
    count('Queued steps', use.queuedSteps, limits.queuedSteps),
    ...resourceNames(limits.resources, use.resources).map((name): UsageRow => {
      const [used, limit] = [use.resources[name] ?? 0, limits.resources[name]];
      return {
        name: resourceTitle(name),
        used,
        limit,
        usedText: amountText(name, used),
        limitText: limit === undefined ? 'no quota' : amountText(name, limit),
      };
    }),
  ];
}

const REASONS: Readonly<Record<ExecutionWait['why'], StateWords>> = {
  quota: { state: 'waiting', word: 'quota used up' },
  'over-quota': { state: 'warning', word: 'exceeds the quota' },
  capacity: { state: 'waiting', word: 'no free capacity' },
  concurrency: { state: 'waiting', word: 'no free worker' },
  retry: { state: 'warning', word: 'waiting for a retry' },
  starting: { state: 'running', word: 'starting' },
};

export function reasonWords({ why, target }: ExecutionWait): StateWords {
  if (why === 'concurrency' && target !== undefined) return { state: 'waiting', word: 'target is full' };
  return REASONS[why];
}

function aheadText(before: number): string {
  if (before === 0) return 'This step is next.';
  if (before === 1) return '1 step of the project is ahead.';
  return `${before.toLocaleString('en')} steps of the project are ahead.`;
}

/** What the step waits for. */
export function remedyText(wait: ExecutionWait, limits: ComputeLimits): string {
  const { why, resource = '', resources, before, target, note } = wait;
  const ahead = aheadText(before);
  const title = resourceTitle(resource);
  if (why === 'quota') {
    const limit = resource === 'runningSteps' ? limits.runningSteps : (limits.resources[resource] ?? 0);
    return `${title}: the quota of ${amountText(resource, limit)} is used up. Running steps must finish first. ${ahead}`;
  }
  if (why === 'over-quota') {
    const [requested, limit] = [resources[resource] ?? 0, limits.resources[resource] ?? 0];
    return `${title}: the step requests ${amountText(resource, requested)}, the quota is ${amountText(resource, limit)}. Raise the quota or cancel the job.`;
  }
  if (why === 'capacity')
    return `${title}: a machine needs ${amountText(resource, resources[resource] ?? 0)} free. ${ahead}`;
  if (why === 'concurrency') {
    const full = target === undefined ? 'All workers are busy.' : `Target ${target} runs as many steps as it may.`;
    return `${full} ${ahead}`;
  }
  if (why === 'retry') return 'The next attempt is not due yet.';
  if (note !== undefined) return noteSentence(note);
  return target === undefined ? 'Files and packages are being prepared.' : `Target ${target} starts the step.`;
}
