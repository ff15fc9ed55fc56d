/** Counts the CPU of each test file, and of what it starts, for `tools/file-times.ts`. */
import { afterAll } from 'vitest';
import { treeCpuMs } from './process-cpu.mjs';

declare module 'vitest' {
  interface TaskMeta {
    cpuMs?: number;
  }
}

// Before the file is imported; the hook runs after all hooks of the file.
const before = treeCpuMs();

// oxlint-disable-next-line no-empty-pattern -- Vitest reads the pattern, and passes the file as the second argument only then.
afterAll(({}, suite) => {
  suite.meta.cpuMs = Math.max(0, treeCpuMs() - before);
});
