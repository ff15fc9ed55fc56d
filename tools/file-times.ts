/** A reporter: how long each test file took, as JSON in the file that `DAIS_FILE_TIMES` names. */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import { environment } from './environment.mjs';
import type { FileTime } from './test-times.mjs';

export class FileTimes implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const path = environment.DAIS_FILE_TIMES;
    if (path !== undefined) writeFileSync(path, JSON.stringify(modules.map(timeOf)));
  }
}

function timeOf(module: TestModule): FileTime {
  const { collectDuration, setupDuration, prepareDuration, duration } = module.diagnostic();
  const tests = [...module.children.allTests()].reduce((sum, test) => sum + (test.diagnostic()?.duration ?? 0), 0);
  return {
    file: relative(process.cwd(), module.moduleId),
    ok: module.state() !== 'failed',
    // Imports, and hooks that prepare and clean up.
    startUpMs: Math.round(collectDuration + setupDuration + prepareDuration + Math.max(0, duration - tests)),
    testMs: Math.round(tests),
    cpuMs: Math.round(module.meta().cpuMs ?? 0),
  };
}
