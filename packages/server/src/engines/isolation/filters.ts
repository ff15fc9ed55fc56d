/** The filter of system calls of a run that has namespaces of its own. */
import { seccompFilter } from '#lib/system/seccomp.ts';

/** Without control groups nothing counts memory that no process shows, and cores are given when a run starts. Empty for machines whose numbers are not known. */
export function filterForNamespaces(hasControlGroups: boolean): Buffer {
  return (
    seccompFilter(process.arch, { denyHiddenMemory: !hasControlGroups, keepCores: !hasControlGroups }) ??
    Buffer.alloc(0)
  );
}
