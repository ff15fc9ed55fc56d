import { DaisError } from '@dais/api';
import { endpointSpec, parseServedModel, type deployOperation, type EndpointSpec } from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { wakeResources } from '#kernel/reconcile-queue.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { decideWrites, performWrites } from '#kernel/write.ts';
import { changeEndpoint, lockEndpoint } from './endpoint-rows.ts';
import { resumeModels } from '../models/model-rows.ts';
import { resolveModel } from '../models/model-source.ts';

interface DeployDependencies {
  readonly kinds: KindRegistry;
  readonly artifactRoot: string;
}

/**
 * Changes the model in the manifest of an endpoint, or creates the endpoint; the controller does the rest.
 * @throws DaisError `not_found` for a missing model, and the errors of a write of the resource.
 */
export async function deploy(
  tx: Transaction,
  { input, tenant, context }: CallOf<typeof deployOperation>,
  { kinds, artifactRoot }: DeployDependencies,
) {
  const { endpoint: name, model, canary, shadow } = input;
  if (shadow && canary !== undefined) {
    throw new DaisError(
      'invalid_request',
      'Set either `shadow` or `canary`: a shadow returns no responses, a canary serves a share of requests.',
      {
        issues: [{ path: 'shadow', message: 'cannot be combined with `canary`', expected: 'one of the two' }],
      },
    );
  }
  const parsed = parseServedModel(model);
  if ('message' in parsed) {
    throw new DaisError('invalid_request', `"${model}" does not name a model version. Write ${parsed.expected}.`, {
      issues: [{ path: 'model', message: parsed.message, expected: parsed.expected }],
    });
  }
  const before = await readResource(tx.sql, tenant.id, 'Endpoint', name);
  const found = await resolveModel(tx, model, artifactRoot, serversOf(before?.spec));
  if ('problem' in found) {
    throw new DaisError('not_found', found.problem, { issues: [{ path: 'model', message: `is "${model}"` }] });
  }
  if (shadow && before === undefined) {
    throw new DaisError('not_found', `There is no Endpoint "${name}" to copy requests from. Deploy a model first.`);
  }
  const desired = {
    kind: 'Endpoint',
    name,
    labels: before?.labels ?? {},
    annotations: before?.annotations ?? {},
    spec: { ...before?.spec, ...(shadow ? withShadow(before?.spec, model) : withModel(before?.spec, model)) },
    origin: before?.origin ?? context.origin,
    ...(before?.owner != null && { owner: before.owner }),
  };
  const options = { allow: 'both', takeOver: false, operation: 'deploy', dryRun: false } as const;
  const [outcome] = await decideWrites(tx, kinds, tenant, [desired], options);
  if (outcome === undefined) throw new Error('one desired resource has no outcome');
  if ('error' in outcome) throw outcome.error;
  await performWrites(tx, kinds, tenant, [outcome.write], 'deploy');
  // The row follows the manifest; there is no rollout.
  if (shadow) return { endpoint: name, created: false };
  await tx.enter(tenant.id);
  const row = await lockEndpoint(tx, name);
  const { principal } = context;
  const request = {
    by: `${principal.type}:${principal.id}`,
    cause: 'deploy' as const,
    ...(canary !== undefined && { canary }),
  };
  // A deploy is an explicit decision: models that were rolled back or quarantined are retried.
  const { [found.id]: _resumed, ...quarantined } = row.quarantined;
  await resumeModels(tx, [found.id]);
  await changeEndpoint(tx, row.uid, { rejected: null, request, quarantined });
  await tx.enter('all');
  await wakeResources(tx.sql, [row.uid]);
  await tx.enter(tenant.id);
  return { endpoint: name, created: before === undefined };
}

type Written = Readonly<Record<string, unknown>> | undefined;

/** Name of the shadow of `dais deploy --shadow` in the manifest. */
const SHADOW = 'shadow';

function withShadow(spec: Written, model: string) {
  return { shadow: [...shadowsOf(spec).filter(({ name }) => name !== SHADOW), { name: SHADOW, model }] };
}

/** Removes the shadow of a model that becomes the stable version. */
function withModel(spec: Written, model: string) {
  const shadow = shadowsOf(spec).filter((one) => one.name !== SHADOW || one.model !== model);
  return { model, ...(spec?.['shadow'] !== undefined && { shadow }) };
}

/** Of a stored manifest, without defaults. */
function serversOf(spec: Written): NonNullable<EndpointSpec['servers']> {
  return endpointSpec.shape.servers.parse(spec?.['servers']) ?? [];
}

function shadowsOf(spec: Written): EndpointSpec['shadow'] {
  return (spec?.['shadow'] ?? []) as EndpointSpec['shadow'];
}
