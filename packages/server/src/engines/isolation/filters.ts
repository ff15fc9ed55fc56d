/** The seccomp filter of a run with namespaces. */
import { seccompFilter } from '#lib/system/seccomp.ts';

/**
 * Without control groups, memory outside processes is not counted, and cores are assigned at the start of a run. Empty for
 * machines whose system call numbers are unknown.
 */
export function filterForNamespaces(hasControlGroups: boolean): Buffer {
  return (
    seccompFilter(process.arch, { denyHiddenMemory: !hasControlGroups, keepCores: !hasControlGroups }) ??
    Buffer.alloc(0)
  );
}
