/** `dais policy test`: the policies of a file with their cases. */
import { DaisError, summarizeIssues, type Issue } from '@dais/api';
import { organizationPolicyKind, policyKind } from '@dais/api/access';
import { checkManifest } from '#kernel/manifest-check.ts';
import { readDocuments, type ManifestDocument } from '#kernel/manifest-text.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import type { CaseResult } from './policy-test.ts';
import type { PolicyText } from './policy-check.ts';

/** @throws DaisError `invalid_manifest` with the position of every error that prevents the execution of a test case. */
export async function runPolicyFile(engine: PolicyEngine, file: string, text: string, project: string) {
  const issues: Issue[] = [];
  const cases: (CaseResult & { readonly policy: string })[] = [];
  let passed = 0;
  for (const document of readDocuments(file, text)) {
    // Yields to other work.
    await new Promise((resolve) => setImmediate(resolve));
    const result = checkManifest(engine.kinds, document.value);
    if (!result.ok) {
      issues.push(...result.issues.map((issue) => positioned(document, issue)));
      continue;
    }
    const { definition, metadata, spec } = result.manifest;
    const { kind } = definition.spec;
    if (kind !== policyKind.kind && kind !== organizationPolicyKind.kind) continue;
    const { cedar, tests } = spec as unknown as Pick<PolicyText, 'cedar' | 'tests'>;
    const projectName = kind === policyKind.kind ? (metadata.project ?? project) : '';
    const checked = await engine.check({ cedar, tests, project: projectName });
    // A failed test case is a result; a test case that cannot run is an error.
    const failed = checked.cases.filter((one) => !one.passed).length;
    if (checked.issues.length > failed) issues.push(...checked.issues.map((issue) => positioned(document, issue)));
    cases.push(...checked.cases.map((one) => ({ policy: `${kind}/${metadata.name}`, ...one })));
    passed += checked.cases.length - failed;
  }
  if (issues.length > 0) throw new DaisError('invalid_manifest', summarizeIssues(issues), { issues });
  return { passed, failed: cases.length - passed, cases };
}

function positioned(document: ManifestDocument, issue: Issue): Issue {
  const { line, column = 1 } = issue;
  const position = document.locate(issue.path ?? '', line === undefined ? undefined : { line, column });
  return { file: document.file, ...issue, ...position };
}
