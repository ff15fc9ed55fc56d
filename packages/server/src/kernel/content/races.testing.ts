/** Random programs over a few owners, names and contents, run side by side in orders that fast-check chooses. */
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import * as fc from 'fast-check';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database, Sql } from '#engines/database/contract.ts';
import { Collector } from '#content/content-collector.ts';
import { Content } from '#kernel/content/content.ts';
import { digest, findProblems, garbage, type ContentWorld } from '#kernel/content/content.testing.ts';
import { attachContent, detachContent, linkContent, type ContentOwner } from '#kernel/content/references.ts';
import { transact } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { pauseCollection } from '#content/collection-pause.ts';

/** Sizes 1 to 4: the project with a quota may hold some of them together, never all. */
const TEXTS = ['a', 'bb', 'ccc', 'dddd'] as const;
const QUOTA = 6;

/** Owners 0 and 1 are of a project without a quota, 2 and 3 of one with it. */
const owner = fc.nat(3);
const name = fc.constantFrom('n', 'm');
const text = fc.constantFrom(...TEXTS);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), owner, name, text, replace: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('upload' as const), owner, text, hasty: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach' as const), owner, name, replace: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('detach' as const), owner, name: fc.option(name) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('link' as const), owner, name, to: owner, as: name }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('collect' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), owner, name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('backup' as const), turns: fc.nat(20) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Program {
  /** Done one after another before the lanes run side by side. */
  readonly setup: readonly Step[];
  readonly lanes: readonly (readonly Step[])[];
}

const anything = fc.record({
  setup: fc.array(step, { maxLength: 2 }),
  lanes: fc.array(fc.array(step, { minLength: 1, maxLength: 6 }), { minLength: 2, maxLength: 5 }),
});

const collect = { do: 'collect' } as const;
const put = (of: number, bytes: (typeof TEXTS)[number]) => {
  return { do: 'put', owner: of, name: 'n', text: bytes, replace: true } as const;
};
const detach = (of: number) => ({ do: 'detach', owner: of, name: null }) as const;

/** Interleavings that random programs reach too rarely. */
const meetings: readonly Program[] = [
  // A backup, and what it copies loses its owner.
  { setup: [put(0, 'a')], lanes: [[{ do: 'backup', turns: 60 }], [detach(0), collect], [collect]] },
  { setup: [put(0, 'a'), put(2, 'a')], lanes: [[{ do: 'backup', turns: 60 }], [detach(0), detach(2), collect]] },
  // A second owner attaches while the first detaches.
  {
    setup: [put(0, 'a')],
    lanes: [[{ do: 'link', owner: 0, name: 'n', to: 1, as: 'm' }], [detach(0), collect], [collect]],
  },
  // The same content is uploaded during its collection.
  { setup: [put(0, 'a'), detach(0)], lanes: [[collect], [put(0, 'a')], [put(2, 'a'), detach(2)], [collect]] },
  // The last holds of two projects are removed concurrently.
  { setup: [put(0, 'a'), put(2, 'a')], lanes: [[detach(0), collect], [detach(2), collect], [put(1, 'a')]] },
  // A lease ends before its bytes are stored.
  { setup: [], lanes: [[{ do: 'upload', owner: 0, text: 'a', hasty: true }], [collect, collect], [put(1, 'a')]] },
];

const program: fc.Arbitrary<Program> = fc.oneof(anything, fc.constantFrom(...meetings));

/** Allowed outcomes of two concurrent calls on the same object. */
const EXPECTED = new Set([
  'blobs_unavailable',
  'quota_exceeded',
  'already_exists',
  'conflict',
  'content_missing',
  'not_found',
]);

export function contentRaces(world: ContentWorld): fc.IAsyncProperty<[Program, fc.Scheduler]> {
  return fc.asyncProperty(program, fc.scheduler(), async ({ setup, lanes }, scheduler) => {
    const run = await Run.start(world, scheduler);
    await scheduler.waitFor(run.lane(setup));
    await scheduler.waitFor(Promise.all(lanes.map(async (lane) => await run.lane(lane))));
    const wrong = [...run.wrong, ...(await findProblems(world)), ...(await run.overQuota()), ...(await garbage(world))];
    // The next run starts with an empty store.
    for (const each of run.owners) {
      const request = { mode: 'write', projectId: each.projectId } as const;
      await transact(world.db.database, request, async (tx) => await detachContent(tx, each));
    }
    wrong.push(...(await garbage(world)), ...(await world.stored()).map((locator) => `left at the end: ${locator}`));
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
  });
}

class Run {
  readonly owners: readonly ContentOwner[];
  readonly wrong: string[] = [];
  readonly #world: ContentWorld;
  readonly #scheduler: fc.Scheduler;
  readonly #database: Database;
  readonly #content: Content;
  readonly #hasty: Content;
  readonly #collector: Collector;
  readonly #leases: { id: string; projectId: string }[] = [];

  static async start(world: ContentWorld, scheduler: fc.Scheduler): Promise<Run> {
    const [free, limited] = [await world.project(), await world.project()];
    const owners = [free, free, limited, limited].map((projectId) => ({ projectId, uid: uuidv7() }));
    return new Run(world, scheduler, owners);
  }

  private constructor(world: ContentWorld, scheduler: fc.Scheduler, owners: readonly ContentOwner[]) {
    this.#world = world;
    this.#scheduler = scheduler;
    this.owners = owners;
    this.#database = gatedDatabase(world.db.database, scheduler);
    const dependencies = world.dependencies({ database: this.#database, blobs: gatedStore(world.blobs, scheduler) });
    this.#content = new Content(dependencies);
    this.#hasty = new Content({ ...dependencies, leaseMs: -1000 });
    // Partial files are removed at the end only: during the run they belong to active uploads.
    this.#collector = new Collector({ ...dependencies, graceMs: -1000, sweepMs: 3_600_000 });
  }

  async lane(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      try {
        await this.#do(each);
      } catch (error) {
        const code = error instanceof DaisError ? error.code : '';
        // A lease that expires before the bytes are stored: the upload reports it.
        const tooHasty = each.do === 'upload' && each.hasty && code === 'blobs_unavailable';
        if (!EXPECTED.has(code) && !tooHasty) {
          this.wrong.push(`${JSON.stringify(each)}: ${error instanceof Error ? error.stack : String(error)}`);
        }
      }
    }
  }

  async overQuota(): Promise<string[]> {
    const bytes = await this.#world.content.usage(this.owners[2]!.projectId);
    return bytes > QUOTA ? [`${bytes} bytes held with a quota of ${QUOTA}`] : [];
  }

  async #write<T>(of: ContentOwner, work: Parameters<typeof transact<T>>[2]): Promise<T> {
    return await transact(this.#database, { mode: 'write', projectId: of.projectId }, work);
  }

  async #do(each: Step): Promise<void> {
    if (each.do === 'collect') return void (await this.#collector.collect(new AbortController().signal));
    if (each.do === 'backup') return await this.#backup(each.turns);
    if (each.do === 'release') {
      const lease = this.#leases.pop();
      return lease === undefined ? undefined : await this.#content.release(lease);
    }
    const of = this.owners[each.owner]!;
    if (each.do === 'upload') return void this.#leases.push(await this.#upload(of, each.text, each.hasty));
    if (each.do === 'read') return await this.#read(of, each.name);
    if (each.do === 'put') {
      const lease = await this.#upload(of, each.text, false);
      return await this.#attach(of, lease.id, each.name, each.replace);
    }
    if (each.do === 'attach') {
      const lease = this.#leases.pop();
      return lease === undefined ? undefined : await this.#attach(of, lease.id, each.name, each.replace);
    }
    if (each.do === 'detach') {
      const names = each.name === null ? undefined : [each.name];
      return void (await this.#write(of, async (tx) => await detachContent(tx, of, names)));
    }
    const to = this.owners[each.to]!;
    const options = { quota: quotaOf(each.to), replace: true };
    await this.#write(of, async (tx) => {
      await linkContent(tx, { ...of, name: each.name }, { ...to, name: each.as }, options);
    });
  }

  async #upload(of: ContentOwner, bytes: string, hasty: boolean) {
    const quota = quotaOf(this.owners.indexOf(of));
    const by = hasty ? this.#hasty : this.#content;
    return await by.upload(Readable.from([bytes]), { projectId: of.projectId, quota });
  }

  async #attach(of: ContentOwner, lease: string, as: string, replace: boolean): Promise<void> {
    await this.#write(of, async (tx) => await attachContent(tx, of, [{ lease, name: as }], { replace }));
  }

  /** Content with a name can be read, unless the name was deleted concurrently. */
  async #read(of: ContentOwner, as: string): Promise<void> {
    for (let tries = 0; tries < 3; tries += 1) {
      try {
        const { info, bytes } = await this.#content.open(of, as);
        if (digest(await buffer(bytes)) !== info.sha256) this.wrong.push(`other bytes under ${as}`);
        return;
      } catch (error) {
        if (!(error instanceof DaisError && error.code === 'content_missing')) throw error;
        // Without a grace period, bytes can disappear between lookup and read; then the name is removed, or has new
        // bytes.
      }
    }
    this.wrong.push(`content named ${as} is never there when it is read`);
  }

  /** All references of a snapshot during a pause are readable until the end of the pause. */
  async #backup(turns: number): Promise<void> {
    const pause = await pauseCollection(this.#database, 'backup', 600_000);
    const rows = await this.#world.db.asAdmin('select distinct locator from kernel.blob_ref');
    for (let n = 0; n < turns; n += 1) await this.#scheduler.schedule(Promise.resolve(), 'copying');
    for (const { locator } of rows) {
      const there = await this.#world.blobs.stat(String(locator));
      if (there === undefined) this.wrong.push(`gone from under the backup: ${String(locator)}`);
    }
    await pause.extend(600_000);
    await pause.resume();
  }
}

function quotaOf(index: number): number | null {
  return index < 2 ? null : QUOTA;
}

/** The real database; before each statement the scheduler selects the next actor. */
function gatedDatabase(database: Database, scheduler: fc.Scheduler): Database {
  const gate = async (label: string): Promise<void> => await scheduler.schedule(Promise.resolve(), label);
  return Object.assign(Object.create(database) as Database, {
    transaction: async <T>(options: Parameters<Database['transaction']>[0], work: (sql: Sql) => Promise<T>) => {
      await gate('begin');
      return await database.transaction(options, async (sql) => {
        const result = await work({
          query: async (statement, values, as) => {
            await gate(as ?? 'statement');
            return await sql.query(statement, values, as);
          },
          defer: (...statement) => sql.defer(...statement),
          careful: sql.careful,
        });
        await gate('commit');
        return result;
      });
    },
  });
}

/** The real store; before each step the scheduler selects the next actor. */
function gatedStore(blobs: BlobStore, scheduler: fc.Scheduler): BlobStore {
  const gate = async (label: string): Promise<void> => await scheduler.schedule(Promise.resolve(), label);
  const gated: Partial<BlobStore> = {
    stage: async (source, expected) => {
      const staged = await blobs.stage(source, expected);
      return {
        ...staged,
        commit: async () => {
          await gate('commit of bytes');
          await staged.commit();
          await gate('bytes are there');
        },
      };
    },
    get: async (locator, range) => {
      await gate('get');
      return await blobs.get(locator, range);
    },
    delete: async (locator, signal) => {
      await gate('delete');
      await blobs.delete(locator, signal);
      await gate('deleted');
    },
    sweep: async (olderThanMs) => await blobs.sweep(olderThanMs),
    list: (after) => blobs.list(after),
    stat: async (locator) => await blobs.stat(locator),
  };
  return Object.assign(Object.create(blobs) as BlobStore, gated);
}
