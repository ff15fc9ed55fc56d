import {
  DaisError,
  MAX_APPLY_BYTES,
  MAX_APPLY_DOCUMENTS,
  summarizeIssues,
  type applyOperation,
  type Change,
  type ErrorCode,
  type Issue,
  type Source,
} from '@dais/api';
import { presentChange, type Desired } from '#kernel/decide.ts';
import type { CallOf } from '#kernel/entry.ts';
import { checkManifest, type CheckedManifest } from '#kernel/manifest-check.ts';
import { readDocuments, type ManifestDocument } from '#kernel/manifest-text.ts';
import { PlanChecks, plannedChange, withNotes } from '#kernel/plan-checks.ts';
import { findTargets, missingTargets, declaredReferences, type DeclaredReference } from '#kernel/references.ts';
import { actionOf, refusalOf } from '#kernel/refusal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { lockResources, readOwned, type ResourceRow } from '#kernel/store.ts';
import { DEFAULT_TENANT, findTenant, noSuchProject, ORGANIZATION, tenantNames, type Tenant } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { decideWrites, deleteResources, performWrites, type DecidedWrite, type WriteOptions } from '#kernel/write.ts';

type ApplyCall = CallOf<typeof applyOperation>;

/** A checked document and its position. */
interface Item {
  readonly manifest: CheckedManifest;
  readonly document: ManifestDocument;
  readonly source: Source | undefined;
  /** Name of the tenant; empty for the organization. */
  readonly tenant: string;
}

/** A tenant that this same apply would make: it has no rows yet. */
const NOT_YET: string = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** All documents or none, in the one transaction that it is given. `dryRun` decides the same and writes nothing. */
export async function applyDocuments(
  tx: Transaction,
  kinds: KindRegistry,
  call: ApplyCall,
  dryRun: boolean,
): Promise<{ changes: Change[] }> {
  const { input } = call;
  if (input.prune && input.owner === undefined) {
    throw new DaisError('invalid_request', 'Pruning requires `owner`, the name of a set of manifests.', {
      issues: [{ path: 'owner', message: 'is required with prune' }],
    });
  }
  const items = readItems(kinds, call);
  // The organization (with an empty name) first: it can create the projects of the other documents.
  const names = [...new Set(items.map((item) => item.tenant))].toSorted();
  const changes: Change[] = [];
  const problems: DocumentProblem[] = [];
  const plan = dryRun ? new PlanChecks() : undefined;
  const options: WriteOptions = { allow: 'both', takeOver: input.takeOver, operation: 'apply', dryRun };
  for (const name of names) {
    const group = items.filter((item) => item.tenant === name);
    const tenant = await resolveTenant(tx, name, items, dryRun);
    for (const item of group) await authorizeItem(tx, call, item, tenant);
    const outcomes = await decideWrites(
      tx,
      kinds,
      tenant,
      group.map((item) => desiredOf(item, call)),
      options,
    );
    const writes: DecidedWrite[] = [];
    outcomes.forEach((outcome, index) => {
      if ('error' in outcome) problems.push({ item: group[index] as Item, error: outcome.error });
      else writes.push(outcome.write);
    });
    // After the first error nothing is written; the checks continue only to report all errors together.
    if (problems.length > 0) continue;
    changes.push(...(await settle(tx, kinds, tenant, writes, items, plan)));
  }
  if (problems.length > 0) throw combined(problems);
  if (input.prune && input.owner !== undefined) {
    changes.push(...(await prune(tx, kinds, call, input.owner, items, plan)));
  }
  await plan?.atEnd(tx);
  return { changes };
}

/** Repeats checks of the database, so that an error has a position; writes unless planning. */
async function settle(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  writes: readonly DecidedWrite[],
  items: readonly Item[],
  plan: PlanChecks | undefined,
): Promise<Change[]> {
  const references = await checkReferences(tx, kinds, tenant, writes, items);
  if (plan !== undefined) {
    plan.decided(tenant, writes, references);
    return writes.map((write) => plannedChange(tenant, write));
  }
  const written = await performWrites(tx, kinds, tenant, writes, 'apply');
  return writes.map((write) => {
    const key = { kind: write.desired.kind, name: write.desired.name, project: tenant.name };
    const { action, fields } = write.decision;
    return withNotes(presentChange(key, action, fields, written.get(write.uid) ?? write.before), write);
  });
}

function readItems(kinds: KindRegistry, call: ApplyCall): Item[] {
  const bytes = call.input.sources.reduce((sum, source) => sum + Buffer.byteLength(source.text), 0);
  if (bytes > MAX_APPLY_BYTES) {
    throw new DaisError(
      'too_large',
      `The documents have ${bytes} bytes together. The limit for a request is ${MAX_APPLY_BYTES} bytes. Split the documents across several requests.`,
    );
  }
  const read = call.input.sources.flatMap((source) =>
    readDocuments(source.file, source.text).map((document) => ({ document, source: source.source })),
  );
  if (read.length > MAX_APPLY_DOCUMENTS) {
    throw new DaisError('too_large', `There are ${read.length} documents; the limit is ${MAX_APPLY_DOCUMENTS}.`);
  }
  const issues: Issue[] = [];
  const codes = new Set<ErrorCode>();
  const items: Item[] = [];
  const seen = new Map<string, ManifestDocument>();
  for (const { document, source } of read) {
    const result = checkManifest(kinds, document.value);
    if (!result.ok) {
      codes.add(result.code);
      issues.push(...result.issues.map((issue) => positioned(document, issue)));
      continue;
    }
    const tenant = tenantNameOf(result.manifest, document, call);
    const { kind } = result.manifest.definition.spec;
    const key = JSON.stringify([tenant, kind, result.manifest.metadata.name]);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, document);
    else {
      codes.add('duplicate_document');
      const at = first.locate('metadata.name');
      const message = `defines ${kind} "${result.manifest.metadata.name}" a second time; the first definition is in ${first.file}:${at.line}`;
      issues.push(positioned(document, { path: 'metadata.name', message }));
    }
    items.push({ manifest: result.manifest, document, source, tenant });
  }
  if (issues.length > 0) {
    const [only] = codes;
    throw new DaisError(codes.size === 1 && only !== undefined ? only : 'invalid_manifest', summarizeIssues(issues), {
      issues,
    });
  }
  return items;
}

/** Lines and columns of admission errors count within the text of the field. */
function positioned(document: ManifestDocument, issue: Issue): Issue {
  const { line, column = 1 } = issue;
  const position = document.locate(issue.path ?? '', line === undefined ? undefined : { line, column });
  return { file: document.file, ...issue, ...position };
}

/** The projects that the request is confined to: one, or none named. */
function boundProjects({ context: { projects, principal } }: ApplyCall): readonly string[] {
  return principal.project === undefined ? projects : [...projects, principal.project];
}

/** @throws DaisError `project_mismatch` when the document and the request name different projects. */
function tenantNameOf(manifest: CheckedManifest, document: ManifestDocument, call: ApplyCall): string {
  if (manifest.definition.spec.scope === 'org') return '';
  const own = manifest.metadata.project;
  const bound = boundProjects(call);
  if (own !== undefined && bound.some((name) => name !== own)) {
    const message = `is "${own}", but the request is for "${bound.find((name) => name !== own)}"`;
    throw new DaisError('project_mismatch', `metadata.project ${message}.`, {
      issues: [positioned(document, { path: 'metadata.project', message })],
    });
  }
  return own ?? bound[0] ?? DEFAULT_TENANT;
}

async function resolveTenant(tx: Transaction, name: string, items: readonly Item[], dryRun: boolean): Promise<Tenant> {
  if (name === '') return { id: ORGANIZATION, name: '' };
  const tenant = await findTenant(tx.sql, name);
  if (tenant !== undefined) return tenant;
  const made = items.some(
    (item) => item.manifest.definition.tenant !== undefined && item.manifest.metadata.name === name,
  );
  if (dryRun && made) return { id: NOT_YET, name };
  throw missingTenant(items.find((item) => item.tenant === name) as Item);
}

function missingTenant({ tenant, document }: Item, cause?: unknown): DaisError {
  const issue = { path: 'metadata.project', message: `there is no project "${tenant}"` };
  return noSuchProject(tenant, { issues: [positioned(document, issue)], cause });
}

async function authorizeItem(tx: Transaction, call: ApplyCall, item: Item, tenant: Tenant): Promise<void> {
  const { metadata, spec, definition } = item.manifest;
  const { kind } = definition.spec;
  const desired = { labels: metadata.labels, spec };
  const target = { kind, name: metadata.name, desired, ...(tenant.name !== '' && { project: tenant.name }) };
  try {
    await call.authorize(target, tenant, actionOf(kind, 'write'));
  } catch (error) {
    // A project that the caller must not see gets exactly the error of a missing one.
    throw (error as Error).message === noSuchProject(item.tenant).message ? missingTenant(item, error) : error;
  }
  await definition.authorizeSpec?.(tx, { ...call, tenant }, spec);
}

function desiredOf(item: Item, call: ApplyCall): Desired {
  const { metadata, spec, definition } = item.manifest;
  return {
    kind: definition.spec.kind,
    name: metadata.name,
    labels: metadata.labels ?? {},
    annotations: metadata.annotations ?? {},
    spec,
    origin: call.context.origin,
    owner: call.input.owner,
    source: item.source ?? call.context.source,
    ifVersion: metadata.resourceVersion,
  };
}

interface DocumentProblem {
  readonly item: Item;
  readonly error: DaisError;
}

/** The code and message of the first error; the positions of all errors. */
function combined(problems: readonly DocumentProblem[]): DaisError {
  const first = problems[0]?.error as DaisError;
  const issues = problems.flatMap(({ item, error }) =>
    (error.issues ?? [{ path: 'metadata.name', message: error.message }]).map((issue) =>
      positioned(item.document, issue),
    ),
  );
  return new DaisError(first.code, first.message, {
    issues,
    ...(first.holders !== undefined && { holders: first.holders }),
  });
}

async function checkReferences(
  tx: Transaction,
  kinds: KindRegistry,
  tenant: Tenant,
  writes: readonly DecidedWrite[],
  items: readonly Item[],
): Promise<{ declared: readonly DeclaredReference[]; found: ReadonlyMap<string, string> }> {
  const declared = writes.flatMap((write) =>
    declaredReferences(kinds, tenant.id, {
      uid: write.uid,
      kind: write.desired.kind,
      name: write.desired.name,
      spec: write.spec,
    }),
  );
  await tx.enter('all');
  const found = await findTargets(tx, declared);
  const inSet = (target: { kind: string; name: string; projectId: string }) =>
    items.some(
      (item) =>
        item.manifest.definition.spec.kind === target.kind &&
        item.manifest.metadata.name === target.name &&
        item.tenant === (target.projectId === ORGANIZATION ? '' : tenant.name),
    );
  const missing = missingTargets(declared, found, inSet);
  if (missing.length === 0) return { declared, found };
  const issues = missing.map(({ from, issue }) => {
    const item = items.find(
      (one) =>
        one.tenant === tenant.name &&
        one.manifest.definition.spec.kind === from.kind &&
        one.manifest.metadata.name === from.name,
    );
    return item === undefined ? issue : positioned(item.document, issue);
  });
  throw new DaisError('reference_not_found', summarizeIssues(issues), { issues, cause: [...tx.unseen.values()][0] });
}

async function prune(
  tx: Transaction,
  kinds: KindRegistry,
  call: ApplyCall,
  owner: string,
  items: readonly Item[],
  plan: PlanChecks | undefined,
): Promise<Change[]> {
  await tx.enter('all');
  const owned = await readOwned(tx.sql, owner, call.context.origin);
  const ids = [...new Set(owned.map((row) => row.project_id))];
  const names = await tenantNames(tx.sql, ids);
  const kept = new Set(
    items.map((item) => JSON.stringify([item.tenant, item.manifest.definition.spec.kind, item.manifest.metadata.name])),
  );
  const changes: Change[] = [];
  // The organization last: its projects can be deleted only when they are empty.
  for (const id of ids.toSorted((a, b) => Number(a === ORGANIZATION) - Number(b === ORGANIZATION))) {
    const tenant: Tenant = { id, name: names.get(id) ?? '' };
    if (boundProjects(call).some((name) => name !== tenant.name)) continue;
    const gone: ResourceRow[] = [];
    for (const row of owned) {
      const isKept = kept.has(JSON.stringify([tenant.name, row.kind, row.name]));
      if (row.project_id === id && !isKept && (await mayPrune(call, row, tenant))) gone.push(row);
    }
    await tx.enter(id);
    // Resources of other sets are not locked, and those that changed their set concurrently stay.
    const locked = await lockResources(tx.sql, id, gone, plan === undefined);
    const rows = locked.filter((row) => row.owner === owner && row.deletion_at === null);
    changes.push(...rows.map(({ kind, name }) => presentChange({ kind, name, project: tenant.name }, 'delete', [])));
    await (plan === undefined ? deleteResources(tx, kinds, tenant, rows) : plan.deleted(tx, kinds, rows));
  }
  return changes;
}

/** False for what the caller must not know of: it is part of no set of theirs. @throws DaisError `forbidden` */
async function mayPrune(call: ApplyCall, row: ResourceRow, tenant: Tenant): Promise<boolean> {
  const refused = await refusalOf(call, row, tenant, 'delete');
  if (refused === undefined) return true;
  // A token without the permission to delete may also lack the permission to read: the error reports it.
  const isScoped = call.context.principal.scopes !== undefined;
  const unseen = !isScoped && (await refusalOf(call, row, tenant, 'read')) !== undefined;
  if (refused.code === 'not_found' || unseen) return false;
  throw refused;
}
