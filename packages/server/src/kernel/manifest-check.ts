import {
  checkManifest as checkBySchema,
  DaisError,
  summarizeIssues,
  type CheckedManifest as Checked,
  type CheckResult,
} from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import type { KindRegistry } from '#kernel/registry.ts';

/** Maximum bytes of one resource as JSON: limits the size of rows, events and watch frames. */
export const MAX_RESOURCE_BYTES = 3 * 1024 * 1024;

export type CheckedManifest = Checked<KindDefinition>;

/** All rules of a manifest that do not depend on other resources. Pure. */
export function checkManifest(kinds: KindRegistry, value: unknown): CheckResult<KindDefinition> {
  const result = checkBySchema(kinds, value);
  const bytes = result.ok ? Buffer.byteLength(JSON.stringify(value)) : 0;
  if (bytes <= MAX_RESOURCE_BYTES) return result;
  const issue = { path: '', message: `is ${bytes} bytes as JSON`, expected: `at most ${MAX_RESOURCE_BYTES}` };
  return { ok: false, code: 'too_large', issues: [issue] };
}

/** Same, for callers that have one manifest only. @throws DaisError with every issue. */
export function requireManifest(kinds: KindRegistry, value: unknown): CheckedManifest {
  const result = checkManifest(kinds, value);
  if (result.ok) return result.manifest;
  throw new DaisError(result.code, summarizeIssues(result.issues), { issues: result.issues });
}
