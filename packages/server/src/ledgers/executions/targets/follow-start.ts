/** Follows a task on a target until it starts: there it can wait for minutes, and people want to know for what. */
import type { TaskState } from '#engines/compute/contract.ts';
import type { TargetCompute } from '#engines/compute/model/target.ts';
import type { Clock } from '#lib/clock.ts';

/** Between two looks at the task. */
const LOOK_MS = 1000;

export interface FollowOptions {
  /** Resolves when the task has ended. */
  readonly waiting: Promise<TaskState | undefined>;
  readonly clock: Clock;
  /** Records what the task waits for. */
  readonly note: (note: string | undefined) => Promise<void>;
  /** Records that its command runs. */
  readonly started: () => Promise<void>;
}

/** Returns the end of the task. */
export async function followStart(
  target: TargetCompute,
  attempt: string,
  { waiting, clock, note, started }: FollowOptions,
): Promise<TaskState | undefined> {
  let isOver = false;
  const over = waiting.finally(() => (isOver = true));
  // Reported below, also when a write fails first.
  over.catch(() => {});
  let written: string | undefined;
  for (;;) {
    const state = await target.status(attempt);
    if (isOver) return await over;
    if (state?.phase === 'running') break;
    const text = target.note(attempt);
    if (text !== written) await note(text);
    written = text;
    let cancel = () => {};
    const look = new Promise<void>((resolve) => (cancel = clock.after(LOOK_MS, resolve)));
    await Promise.race([over.catch(() => {}), look]);
    cancel();
  }
  await started();
  return await over;
}
