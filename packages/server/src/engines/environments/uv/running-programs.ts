/**
 * Records running installers and their owners. An installer whose server was killed continues, and keeps its cache entries
 * locked while it waits for an index; the next server ends it.
 */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';

interface Entry {
  readonly owner: ProcessIdentity;
  readonly program: ProcessIdentity;
}

export class RunningPrograms {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Synchronous, because a crash in between would leave it unrecorded. Returns a function that removes the entry. */
  enter(pid: number): () => void {
    const [owner, program] = [processIdentity(process.pid), processIdentity(pid)];
    // Without /proc a process cannot be identified later.
    if (owner === undefined || program === undefined) return () => {};
    const entry: Entry = { owner, program };
    const file = path.join(this.#folder, `${pid}-${program.startTime}`);
    mkdirSync(this.#folder, { recursive: true });
    writeFileSync(`${file}.new`, JSON.stringify(entry));
    renameSync(`${file}.new`, file);
    return () => rmSync(file, { force: true });
  }

  /** Ends every program whose owner has ended. */
  async endLeftBehind(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names.filter((one) => /^\d+-\d+$/.test(one))) {
      const file = path.join(this.#folder, name);
      const entry = readEntry(await readFile(file, 'utf8').catch(() => ''));
      // Of another container, or from before a reboot: it cannot be ended here.
      if (entry !== undefined && checkProcess(entry.owner) !== 'gone') continue;
      if (entry !== undefined && checkProcess(entry.program) === 'alive') {
        try {
          process.kill(-entry.program.pid, 'SIGKILL');
        } catch {
          // It has just ended.
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
