/**
 * Which installers run, and for whom. One whose server was killed goes on, and keeps its places in the cache locked for as
 * long as it waits for an index: who comes next ends it.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.ts';

interface Entry {
  readonly owner: ProcessIdentity;
  readonly program: ProcessIdentity;
}

export class RunningPrograms {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** At once, without waiting: a crash in between would leave it unknown. Gives what removes the entry again. */
  enter(pid: number): () => void {
    const [owner, program] = [processIdentity(process.pid), processIdentity(pid)];
    // Without /proc nobody could tell later whether it is still the same process.
    if (owner === undefined || program === undefined) return () => {};
    const entry: Entry = { owner, program };
    const file = path.join(this.#folder, `${pid}-${program.startTime}`);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(entry));
    renameSync(`${file}.new`, file);
    return () => rmSync(file, { force: true });
  }

  /** Ends every program whose owner is gone. */
  async endLeftBehind(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter((one) => /^\d+-\d+$/.test(one))) {
      const file = path.join(this.#folder, name);
      const entry = readEntry(await readFile(file, 'utf8').catch(() => ''));
      // Of another container, or from before a reboot: nothing that could be ended from here.
      if (entry !== undefined && checkProcess(entry.owner) !== 'gone') continue;
      if (entry !== undefined && checkProcess(entry.program) === 'alive') {
        try {
          process.kill(-entry.program.pid, 'SIGKILL');
        } catch {
          // It ended in this moment.
        }
      }
      await rm(file, { force: true });
    }
  }
}

function readEntry(text: string): Entry | undefined {
  try {
    return JSON.parse(text) as Entry;
  } catch {
    return undefined;
  }
}
