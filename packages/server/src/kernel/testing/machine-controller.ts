/** The controller of Machine, and the worlds in which it builds. A world outlives every process that works on it. */
import type { Resource } from '@dais/api';
import type { Slice } from '#engines/database/contract.ts';
import { TerminalError, type Controller, type ControllerIo } from '#kernel/kind.ts';

export interface World {
  /** Numbers of the cells that there are, ascending. */
  cells(uid: string, io: ControllerIo): Promise<number[]>;
  add(uid: string, cell: number, io: ControllerIo): Promise<void>;
  remove(uid: string, cell: number, io: ControllerIo): Promise<void>;
}

export interface MachineBackend {
  readonly world: World;
  /** Called before and after each effect; what it throws ends the pass, as a crash would. */
  readonly before?: (effect: MachineEffect, resource: Resource) => void | Promise<void>;
  readonly after?: (effect: MachineEffect, resource: Resource) => void | Promise<void>;
}

export interface MachineEffect {
  readonly do: 'add' | 'remove';
  readonly cell: number;
}

interface MachineSpec {
  readonly cells?: number;
  readonly after?: string;
  readonly broken?: 'retry' | 'terminal';
}

interface Observed {
  readonly cells: readonly number[];
  readonly mayStart: boolean;
}

export function machineController(machinery: MachineBackend): Controller<Observed, MachineEffect> {
  const { world } = machinery;
  return {
    finalizer: 'machine',
    async observe(resource, io) {
      const { after, broken } = resource.spec as MachineSpec;
      if (broken === 'terminal') throw new TerminalError('Broken', 'It cannot be built.');
      if (broken === 'retry') throw new Error('it cannot be built at present');
      const found =
        after === undefined ||
        (
          await io.read(({ sql, projectId }) =>
            sql.query(`select 1 from kernel.resource where project_id = $1 and kind = 'Part' and name = $2`, [
              projectId,
              after,
            ]),
          )
        ).length === 1;
      return { cells: await world.cells(resource.metadata.uid, io), mayStart: found };
    },
    plan({ resource, observed }) {
      const { cells = 0, after } = resource.spec as MachineSpec;
      const deleting = resource.metadata.deletionRequestedAt !== undefined;
      const expected = deleting ? 0 : cells;
      const status = { cells: observed.cells.length };
      const ready = (reason: string, message: string, state: 'True' | 'False' = 'False') => [
        { type: 'Ready', status: state, reason, message },
      ];
      if (!observed.mayStart && !deleting) {
        return { effects: [], conditions: ready('Waiting', `Waits for ${after}.`), status, wakeOn: [`Part/${after}`] };
      }
      const missing = Array.from({ length: expected }, (_, n) => n).filter((cell) => !observed.cells.includes(cell));
      const effects: MachineEffect[] = [
        ...missing.map((cell) => ({ do: 'add' as const, cell })),
        ...observed.cells.filter((cell) => cell >= expected).map((cell) => ({ do: 'remove' as const, cell })),
      ];
      if (effects.length > 0) return { effects, conditions: ready('Building', 'Is being built.'), status };
      return { effects, conditions: ready('Built', 'Is built.', 'True'), status, finalized: deleting };
    },
    async perform(effect, resource, io) {
      await machinery.before?.(effect, resource);
      await world[effect.do](resource.metadata.uid, effect.cell, io);
      await machinery.after?.(effect, resource);
    },
  };
}

/** Cells are rows, written under the lease of the pass that adds them. */
export const workshopSlice: Slice = {
  schema: 'workshop',
  migrations: [
    {
      id: '0001-workshop',
      sql: `
create table workshop.cell (uid uuid not null, n int not null, by text not null default '', primary key (uid, n));
grant select, insert, update, delete on workshop.cell to dais_app;
`,
    },
  ],
};

/** `by` is stored with each cell, so that a test sees which process built it. */
export function tableWorld(by = ''): World {
  return {
    cells: async (uid, io) => {
      const rows = await io.read(({ sql }) =>
        sql.query<{ n: number }>('select n from workshop.cell where uid = $1 order by n', [uid]),
      );
      return rows.map((row) => row.n);
    },
    add: async (uid, cell, io) => {
      await io.write(({ sql }) =>
        sql.query('insert into workshop.cell (uid, n, by) values ($1, $2, $3) on conflict do nothing', [uid, cell, by]),
      );
    },
    remove: async (uid, cell, io) => {
      await io.write(({ sql }) => sql.query('delete from workshop.cell where uid = $1 and n = $2', [uid, cell]));
    },
  };
}
