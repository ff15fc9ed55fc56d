/** Deletes what is left of attempts that nobody knows any more: of a crash during a submission, or of an agent that sent something after the end. */
import type { Clock } from '#lib/clock.ts';
import type { NamedStore } from './task-objects.ts';
import { deleteObjects } from './task-store.ts';

export interface TaskSweep {
  readonly objects: NamedStore;
  /** As in the names of the objects. */
  readonly installation: string;
  /** Whether an engine or the database knows the attempt. @throws when a cluster does not respond: then nothing is deleted. */
  readonly isKnown: (attempt: string) => Promise<boolean>;
  readonly clock: Pick<Clock, 'now'>;
  readonly signal?: AbortSignal;
}

/** Without a new object for so long, an attempt is checked. A submission, from its first input to its Job, takes less. */
const AGE_MS = 24 * 3_600_000;

interface AttemptFolder {
  readonly attempt: string;
  readonly names: string[];
  newest: number;
}

/** Returns the number of deleted attempts. @throws the errors of `isKnown` and of the store; the reason of `signal` */
export async function sweepTasks({ objects, installation, isKnown, clock, signal }: TaskSweep): Promise<number> {
  let removed = 0;
  const end = async (folder: AttemptFolder | undefined) => {
    if (folder === undefined || folder.newest > clock.now() - AGE_MS || (await isKnown(folder.attempt))) return;
    signal?.throwIfAborted();
    await deleteObjects(objects, folder.names);
    removed += 1;
  };
  const root = `${installation}/`;
  let folder: AttemptFolder | undefined;
  for await (const { name, modifiedAt } of objects.list(root)) {
    signal?.throwIfAborted();
    const attempt = name.slice(root.length, name.indexOf('/', root.length));
    if (folder?.attempt !== attempt) {
      await end(folder);
      folder = { attempt, names: [], newest: 0 };
    }
    folder.names.push(name);
    folder.newest = Math.max(folder.newest, modifiedAt.getTime());
  }
  await end(folder);
  await objects.sweep?.(AGE_MS);
  return removed;
}
