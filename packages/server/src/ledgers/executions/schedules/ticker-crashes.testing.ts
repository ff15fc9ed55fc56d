/** The program of a process that is killed while it starts the runs of schedules. */
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { STEPS_FORMAT } from '../pipelines/pipeline-rows.ts';
import { stepsCompiler } from '../pipelines/steps-compiler.ts';
import { RunMachines } from '../runs/run-machine.ts';
import { Ticker } from './ticker.ts';

/** For tests: prints a line after each turn. Runs until it is killed. */
export async function tickUntilKilled(connection: ConnectionOptions): Promise<never> {
  const database = openDatabase(connection, { poolSize: 2, applicationName: 'dais ticker' });
  const compilers = new Map([[STEPS_FORMAT, stepsCompiler]]);
  const dependencies = {
    database,
    machines: new RunMachines(),
    limits: { runningSteps: 8, queuedSteps: 100_000 },
    compilers,
    solo: true,
    environments: () => Promise.reject(new Error('no test here needs an environment')),
    clock: systemClock,
    log: silentLog,
  };
  const ticker = new Ticker(dependencies);
  for (let turn = 0; ; turn += 1) {
    const turning = ticker.turn();
    process.stdout.write(`${turn}\n`);
    await turning;
  }
}
