/** The program of a replica; see replica.ts. Runs until it is ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '#engines/database/database.ts';
import { Kernel } from '#kernel/kernel.ts';
import { LeaseLost } from '#kernel/leases.ts';
import { project } from '#kinds/project/index.ts';
import { systemClock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { soloAuthorizer } from '#policy/solo-authorizer.ts';
import { tableWorld, type World } from './machine-controller.ts';
import type { ReplicaLine, ReplicaSetup } from './replica.ts';
import { fleet, machine, part } from './test-kinds.ts';

const setup = JSON.parse(process.argv[2] ?? '{}') as ReplicaSetup;
const say = (at: ReplicaLine['at'], detail: string) => void process.stdout.write(`${JSON.stringify({ at, detail })}\n`);

let effects = 0;
function crash(when: 'before' | 'after'): void {
  if (setup.crash?.when === when && setup.crash.effect === effects) process.kill(process.pid, 'SIGKILL');
}

/** Reports writes that the database rejected. */
function reporting(world: World): World {
  const summarize = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      if (error instanceof LeaseLost) say('refused', error.message);
      throw error;
    }
  };
  return {
    ...world,
    add: (...cell) => summarize(world.add(...cell)),
    remove: (...cell) => summarize(world.remove(...cell)),
  };
}

const log: Log = {
  debug: () => {},
  info: () => {},
  warn: (message) => say('log', message),
  error: (message, fields) => say('log', `${message}: ${String(fields?.error)}`),
};

const kernel = new Kernel({
  database: openDatabase(setup.connection, { applicationName: `replica ${setup.name}` }),
  kinds: [
    project,
    fleet,
    part,
    machine({
      world: reporting(tableWorld(setup.name)),
      before: async ({ cell }, { metadata }) => {
        say('effect', `${metadata.name} ${cell}`);
        await delay(setup.effectMs);
        crash('before');
      },
      after: () => {
        crash('after');
        effects += 1;
      },
    }),
  ],
  authorizer: soloAuthorizer,
  holder: `${setup.name} ${process.pid}`,
  random: Math.random,
  clock: systemClock,
  log,
  leaseMs: setup.leaseMs,
  server: () => ({
    version: '0.1.0',
    mode: 'solo',
    database: { engine: 'embedded', version: '17' },
    startedAt: new Date().toISOString(),
  }),
});
await kernel.bootstrap();
await kernel.start({ controller: true });
say('ready', setup.name);
// Pending work of the kernel does not keep a process alive.
setInterval(() => {}, 3_600_000);
