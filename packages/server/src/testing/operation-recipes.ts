/**
 * For tests of every operation: one valid request for each, so that only the authorization of the caller can reject it.
 * A permitted request ends without effects where possible: with a wrong version, an existing name.
 */
import { randomUUID } from 'node:crypto';
import type { KindSpec, Operation } from '@dais/api';
import { modelJobRecipes } from './model-job-recipes.ts';
import { monitoringRecipes } from './monitoring-recipes.ts';
import { predictionRecipes } from './prediction-recipes.ts';
import { privacyRecipes } from './privacy-recipes.ts';
import { provisioningRecipes } from './provisioning-recipes.ts';
import { qualityRecipes } from './quality-recipes.ts';
import { dataRecipes } from './data-recipes.ts';
import { featureRecipes } from './feature-recipes.ts';
import { servingRecipes } from './serving-recipes.ts';
import { trackingRecipes } from './tracking-recipes.ts';

export interface Request {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly ifMatch?: string;
}

/** Objects that recipes can use, created as the owner. */
export interface RecipeWorld {
  readonly kinds: readonly KindSpec[];
  /** Id of a new token of the user `target`. */
  userToken(): Promise<string>;
  /** Id of a new session of the user `target`. */
  userSession(): Promise<string>;
  /** Id of a new token of the service account `target`. */
  serviceToken(): Promise<string>;
  /** Id of the node of the server. */
  node(): Promise<string>;
  /** Id of a new token with which nodes join. */
  nodeToken(): Promise<string>;
  /** Id of a new invitation. */
  invitation(): Promise<string>;
  /** Name of a model with one version that no other request uses, created in every project. */
  spareModel(): Promise<string>;
  /** A webhook that no other request uses, created in every project: a placeholder for its id in each. */
  webhook(): Promise<string>;
  /** An upload without parts, created in every project: a placeholder for its id in each. */
  upload(): Promise<string>;
  /** A finished run of commands in every project, with a file `code/x`: a placeholder for its id in each. */
  execution(): Promise<string>;
  /** Another new one. */
  spareExecution(): Promise<string>;
  /** A schedule that no other request uses, created in every project: a placeholder for its id in each. */
  recurrence(): Promise<string>;
  /** Name of a definition of the format `recipe`, created in every project. */
  definition(): Promise<string>;
  /** Name of a version of the Pipeline `target` that no other request uses, created in every project. */
  pipelineVersion(): Promise<string>;
  /** Name of a label set that no other request uses, created in every project. */
  spareLabelSet(): Promise<string>;
  /** A push without files, created in every project: a placeholder for its id in each. */
  push(): Promise<string>;
  /** A materialization in every project: a placeholder for its id in each. */
  materialization(): Promise<string>;
  /** A build of features in every project: a placeholder for its id in each. */
  featureBuild(): Promise<string>;
  /** A version of the Dataset `rows` that no other request uses, created in every project: a placeholder for its number in each. */
  datasetVersion(): Promise<string>;
  /** Id of a provisioned user that no other request uses. */
  provisionedUser(): Promise<string>;
  /** Id of a provisioned group that no other request uses. */
  provisionedGroup(): Promise<string>;
  /** Name of a user that no other request uses. */
  spareUser(): Promise<string>;
}

type Recipe = (world: RecipeWorld) => Request | Promise<Request>;

/** The resource that every kind has in every project: its spec. */
const TARGET_SPECS: Readonly<Record<string, object>> = {
  Project: {},
  Secret: { data: { key: 'value' } },
  AlertChannel: { send: { type: 'webhook', url: 'http://127.0.0.1:9/' } },
  // More than exist: no approval is the last one.
  Model: { approvals: [{ aliases: ['guarded'], teams: [{ team: 'deciders', members: 20 }] }] },
  Pipeline: {},
  Dataset: {},
  Entity: {},
  FeatureView: { source: { type: 'push' }, features: [{ name: 'a', type: 'int64' }] },
  FeatureService: { features: [{ view: 'target' }] },
  Endpoint: { model: 'models:/target/1' },
  // Every response takes too long: it has an alert.
  Monitor: {
    endpoint: 'target',
    windows: { type: 'time', minutes: 0.25 },
    graceSeconds: 0,
    checks: [{ type: 'slo', latencyMs: 0.0001 }],
  },
  // It never starts.
  Schedule: { pipeline: 'target', when: { type: 'cron', cron: '0 0 30 2 *' } },
  User: { email: 'target@example.com' },
  Target: {},
  Team: {},
  ServiceAccount: {},
  RoleBinding: { role: 'viewer' },
  OrganizationRoleBinding: { role: 'viewer' },
  Policy: {
    cedar: '@id("target") forbid(principal, action == Dais::Action::"secret:delete", resource) when { false };',
  },
  OrganizationPolicy: {
    cedar: '@id("target") forbid(principal, action == Dais::Action::"team:delete", resource) when { false };',
  },
};

const target = { path: { name: 'target' } };
const version = { path: { name: 'target', version: '1' } };
const approval = { path: { name: 'target', number: '1' } };
const device = { path: { code: 'BCDF-GHJK' } };
const lineageEvent = {
  eventTime: '2026-01-01T00:00:00Z',
  producer: 'https://example.com/tried',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json',
  job: { namespace: 'tried', name: 'tried' },
};
/** A comment that is not there: what it is of is found first. */
const NOBODYS = '01900000-0000-7000-8000-000000000000';
const noSecret = 'x'.repeat(43);

/** It requests more than any machine has. */
export const NEVER_RUNS = { command: ['true'], resources: { cpu: 1_000_000 } };

/** By operation; operations of kinds by their verb. */
const recipes: Readonly<Record<string, Recipe>> = {
  ...trackingRecipes,
  ...privacyRecipes,
  ...provisioningRecipes,
  ...predictionRecipes,
  ...modelJobRecipes,
  ...monitoringRecipes,
  ...qualityRecipes,
  'labelSet.delete': async (world) => ({ path: { set: await world.spareLabelSet() } }),
  ...dataRecipes,
  ...featureRecipes,
  ...servingRecipes,
  'secret.rotate': () => ({ ...target, body: {} }),
  'alertChannel.test': () => ({ ...target, body: { message: 'tried' } }),
  'access.mine': () => ({}),
  'access.of': () => ({ path: { principal: 'service:viewer' } }),
  'policy.why': () => ({ body: { principal: 'service:viewer', action: 'secret:read', resource: 'Secret/target' } }),
  'policy.test': () => ({ body: { file: '-', text: '' } }),
  'policy.simulate': () => ({ body: { candidates: [{ kind: 'Policy', name: 'target' }], decisions: 1 } }),
  'policy.violations': () => ({}),
  'policy.evaluate': () => ({ body: {} }),
  'policy.audited': () => ({}),
  'audit.list': () => ({}),
  'organizationAudit.list': () => ({}),
  'audit.bodies': () => ({}),
  'audit.export': () => ({ body: {} }),
  'audit.status': () => ({}),
  'audit.key': () => ({}),
  'audit.checkpoints': () => ({}),
  'audit.prove': () => ({ query: { seq: '0' } }),
  'audit.proveConsistency': () => ({ query: { from: '1' } }),
  'audit.forget': async (world) => ({ body: { user: await world.spareUser() } }),
  'audit.hold': () => ({ body: { reason: 'tried' } }),
  'session.login': () => ({ body: { name: 'nobody', password: 'not the password' } }),
  'session.logout': () => ({ body: {} }),
  'session.current': () => ({}),
  'password.change': () => ({ body: { old: 'not the password', new: 'another long password' } }),
  'session.list': () => ({}),
  'session.revoke': () => ({ path: { id: randomUUID() } }),
  'userSession.list': () => target,
  'userSession.revoke': async (world) => ({ path: { name: 'target', id: await world.userSession() } }),
  'token.create': () => ({ body: { title: 'tried', days: 1 } }),
  'token.list': () => ({}),
  'token.revoke': () => ({ path: { id: randomUUID() } }),
  'userToken.list': () => target,
  'userToken.revoke': async (world) => ({ path: { name: 'target', id: await world.userToken() } }),
  'serviceToken.create': () => ({ ...target, body: { title: 'tried', days: 1 } }),
  'serviceToken.list': () => target,
  'serviceToken.revoke': async (world) => ({ path: { name: 'target', id: await world.serviceToken() } }),
  'invitation.create': () => ({ body: { email: `${randomUUID()}@example.com` } }),
  'invitation.createAdministrator': () => ({ body: { email: `${randomUUID()}@example.com` } }),
  'password.reset': () => ({ ...target, body: {} }),
  'invitation.list': () => ({}),
  'invitation.revoke': async (world) => ({ path: { id: await world.invitation() } }),
  'invitation.open': () => ({ body: { secret: noSecret } }),
  'invitation.accept': () => ({ body: { secret: noSecret, password: 'a long enough password' } }),
  'content.status': () => ({}),
  'content.damaged': () => ({}),
  'content.scrub': () => ({ body: {} }),
  'key.list': () => ({}),
  'node.list': () => ({}),
  // It is ready, so the request ends without an effect.
  'node.drain': async (world) => ({ path: { id: await world.node() }, body: { timeLimitSeconds: 60 } }),
  'node.resume': async (world) => ({ path: { id: await world.node() } }),
  'target.probe': () => ({ path: { name: 'target' }, body: { pods: false } }),
  'nodeToken.create': () => ({ body: { roles: ['worker'], uses: 2 } }),
  'nodeToken.list': () => ({}),
  'nodeToken.revoke': async (world) => ({ path: { id: await world.nodeToken() } }),
  'node.remove': async (world) => ({ path: { id: await world.node() } }),
  'nodeAuthority.rotate': () => ({ body: {} }),
  'usage.list': () => ({ query: { type: 'step', person: 'ada' } }),
  'usage.sum': () => ({ query: { by: 'person' } }),
  'usage.series': () => ({ query: { measure: 'queries' } }),
  'usage.export': () => ({ query: { format: 'csv' } }),
  'organizationUsage.list': () => ({ query: { project: 'default' } }),
  'organizationUsage.sum': () => ({ query: { by: 'project' } }),
  'organizationUsage.series': () => ({ query: { by: 'team' } }),
  'organizationUsage.export': () => ({ query: { format: 'parquet' } }),
  'ownUsage.list': () => ({}),
  'ownUsage.sum': () => ({ query: { by: 'project' } }),
  'key.rotate': () => ({ body: {} }),
  'platform.apply': () => ({ body: { sources: [{ file: '-', text: '' }] } }),
  'platform.plan': () => ({ body: { sources: [{ file: '-', text: '' }] } }),
  'event.list': () => ({}),
  'event.watch': () => ({}),
  'organizationEvent.list': () => ({}),
  'organizationEvent.watch': () => ({}),
  'server.read': () => ({}),
  'metrics.read': () => ({}),
  'webhook.create': () => ({ body: { name: 'tried', url: 'https://webhook.invalid/', events: ['run.finished'] } }),
  'webhook.get': async (world) => ({ path: { id: await world.webhook() } }),
  'webhook.list': () => ({}),
  'webhook.update': async (world) => ({ path: { id: await world.webhook() }, body: {} }),
  'webhook.delete': async (world) => ({ path: { id: await world.webhook() } }),
  'webhook.test': async (world) => ({ path: { id: await world.webhook() }, body: {} }),
  'webhook.deliveries': async (world) => ({ path: { id: await world.webhook() } }),
  'artifactUpload.complete': async (world) => ({
    path: { id: await world.upload() },
    body: { parts: [{ number: 1, etag: 'x' }] },
  }),
  'pipelineVersion.create': () => ({
    ...target,
    body: { version: '1', format: 'steps', document: { steps: { main: NEVER_RUNS } } },
  }),
  'pipelineVersion.list': () => target,
  'pipelineVersion.get': () => version,
  // There is always a newer one, or the next role needs what is deleted here.
  'pipelineVersion.delete': async (world) => ({ path: { name: 'target', version: await world.pipelineVersion() } }),
  'pipeline.run': () => ({ ...target, body: { version: '1' } }),
  'pipeline.graph': () => target,
  'schedule.call': () => ({ ...target, body: { id: 'x', timestamp: 0, signature: 'x', body: '' } }),
  'definition.put': () => ({ body: { format: 'recipe', type: 'thing', name: 'tried', body: '' } }),
  'definition.get': async (world) => ({ path: { format: 'recipe', type: 'thing', name: await world.definition() } }),
  'definition.list': () => ({ query: { format: 'recipe' } }),
  'definition.delete': async (world) => ({ path: { format: 'recipe', type: 'thing', name: await world.definition() } }),
  'recurrence.create': () => ({
    body: { name: 'tried', pipeline: 'target', when: { type: 'cron', cron: '0 0 30 2 *' }, enabled: false },
  }),
  'recurrence.get': async (world) => ({ path: { id: await world.recurrence() } }),
  'recurrence.list': () => ({}),
  'recurrence.enable': async (world) => ({ path: { id: await world.recurrence() }, body: { enabled: false } }),
  'recurrence.delete': async (world) => ({ path: { id: await world.recurrence() } }),
  'recurrence.fires': async (world) => ({ path: { id: await world.recurrence() } }),
  'recurrence.times': async (world) => ({ path: { id: await world.recurrence() } }),
  'recurrence.backfill': async (world) => ({ path: { id: await world.recurrence() }, body: { from: 0, to: 1 } }),
  'execution.upload': () => ({}),
  'execution.submit': () => ({ body: { steps: { main: NEVER_RUNS } } }),
  'execution.get': async (world) => ({ path: { id: await world.execution() } }),
  'execution.list': () => ({}),
  'execution.nodes': async (world) => ({ path: { id: await world.execution() } }),
  'execution.attempts': async (world) => ({ path: { id: await world.execution() } }),
  'execution.logs': async (world) => ({ path: { id: await world.execution() } }),
  'execution.follow': async (world) => ({ path: { id: await world.execution() } }),
  'execution.cancel': async (world) => ({ path: { id: await world.execution() }, body: {} }),
  'execution.retry': async (world) => ({ path: { id: await world.execution() }, body: {} }),
  'execution.delete': async (world) => ({ path: { id: await world.spareExecution() } }),
  'execution.files': async (world) => ({ path: { id: await world.execution() } }),
  'execution.file': async (world) => ({ path: { id: await world.execution() }, query: { name: 'code/x' } }),
  'execution.search': () => ({ body: { where: [{ field: 'name', is: '=', value: 'none' }] } }),
  'execution.archive': () => ({ body: { experimentId: 'none' } }),
  'execution.resume': async (world) => ({ path: { id: await world.execution() }, body: {} }),
  'execution.start': () => ({ body: { name: 'tried', format: 'steps', document: {} } }),
  'pipeline.search': () => ({ body: {} }),
  'pipeline.label': () => ({ path: { name: 'target' }, body: {} }),
  'pipelineVersion.search': () => ({ body: {} }),
  'recurrence.search': () => ({ body: {} }),
  'execution.graph': async (world) => ({ path: { id: await world.execution() } }),
  'execution.edges': async (world) => ({ path: { id: await world.execution() } }),
  'execution.step': async (world) => ({ path: { id: await world.execution() }, query: { node: 'main' } }),
  'execution.queue': () => ({}),
  'compute.list': () => ({}),
  'lineage.get': () => ({ query: { node: 'run:target' } }),
  'lineage.record': () => ({ body: lineageEvent }),
  'lineage.recordBatch': () => ({ body: [lineageEvent] }),
  'registeredModel.create': () => ({ body: { name: 'target' } }),
  'registeredModel.get': () => target,
  'registeredModel.search': () => ({ body: {} }),
  'registeredModel.update': () => ({ ...target, body: {} }),
  'registeredModel.rename': () => ({ ...target, body: { to: 'target' } }),
  'registeredModel.delete': async (world) => ({ path: { name: await world.spareModel() } }),
  'registeredModel.import': () => ({ body: { name: 'target', createdAt: 1, updatedAt: 1 } }),
  'modelVersion.import': () => ({
    body: { name: 'target', version: '1', source: 's3://bucket/m', createdAt: 1, updatedAt: 1 },
  }),
  'modelVersion.create': () => ({ ...target, body: { source: 's3://bucket/m' } }),
  'modelVersion.get': () => version,
  'modelVersion.search': () => ({ body: {} }),
  'modelVersion.update': () => ({ ...version, body: {} }),
  'modelVersion.delete': async (world) => ({ path: { name: await world.spareModel(), version: '1' } }),
  'modelVersion.stage': () => ({ ...version, body: { stage: 'None' } }),
  'modelAlias.set': () => ({ path: { name: 'target', alias: 'known' }, body: { version: '1' } }),
  'modelAlias.get': () => ({ path: { name: 'target', alias: 'known' } }),
  'modelAlias.remove': () => ({ path: { name: 'target', alias: 'unknown' } }),
  'modelApproval.request': () => ({ ...target, body: { version: '1', alias: 'guarded' } }),
  'modelApproval.list': () => target,
  'modelApproval.listAll': () => ({}),
  'modelApproval.get': () => approval,
  'modelApproval.approve': () => ({ ...approval, body: {} }),
  'modelApproval.reject': () => ({ ...approval, body: { reason: 'tried' } }),
  'modelApproval.withdraw': () => ({ ...approval, body: {} }),
  'comment.listOfRun': () => ({ path: { run: 'target' } }),
  'comment.createOfRun': () => ({ path: { run: 'target' }, body: { text: 'tried' } }),
  'comment.updateOfRun': () => ({ path: { run: 'target', id: NOBODYS }, body: { text: '@nobody' } }),
  'comment.deleteOfRun': () => ({ path: { run: 'target', id: NOBODYS } }),
  'comment.removeOfRun': () => ({ path: { run: 'target', id: NOBODYS }, body: {} }),
  'mention.list': () => ({ query: { unread: 'true' } }),
  'mention.markRead': () => ({ body: {} }),
  'comment.listOfVersion': () => version,
  'comment.createOfVersion': () => ({ ...version, body: { text: 'tried' } }),
  'comment.updateOfVersion': () => ({ path: { ...version.path, id: NOBODYS }, body: { text: '@nobody' } }),
  'comment.deleteOfVersion': () => ({ path: { ...version.path, id: NOBODYS } }),
  'comment.removeOfVersion': () => ({ path: { ...version.path, id: NOBODYS }, body: {} }),
  'signIn.start': () => ({ path: { provider: 'none' } }),
  'signIn.finish': () => ({ path: { provider: 'none' }, query: { code: 'x', state: 'x' } }),
  'signIn.leave': () => ({ path: { provider: 'none' } }),
  'signIn.endFromProvider': () => ({ path: { provider: 'none' }, body: { logout_token: 'x' } }),
  'saml.start': () => ({ path: { provider: 'none' } }),
  'saml.receive': () => ({ path: { provider: 'none' }, body: { SAMLResponse: 'x' } }),
  'saml.finish': () => ({ path: { provider: 'none' }, query: { state: 'x' } }),
  'saml.metadata': () => ({ path: { provider: 'none' } }),
  'device.start': () => ({ body: { machine: 'm', program: 'p' } }),
  'device.poll': () => ({ body: { device_code: noSecret } }),
  'device.read': () => device,
  'device.approve': () => ({ ...device, body: {} }),
  'device.deny': () => ({ ...device, body: {} }),
  'federation.exchange': () => ({
    body: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'x',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      service_account: 'target',
    },
  }),
};

/** @throws Error when an operation has no recipe: write one. */
export async function requestFor(operation: Operation, world: RecipeWorld): Promise<Request> {
  const recipe = recipes[operation.name];
  if (recipe !== undefined) return await recipe(world);
  const [noun = '', verb = ''] = operation.name.split('.');
  const kind = world.kinds.find((one) => one.kind.toLowerCase() === noun.toLowerCase());
  const request = kind === undefined ? undefined : ofKind(kind, verb);
  if (request === undefined) throw new Error(`${operation.name} has no recipe in operation-recipes.ts`);
  return request;
}

/** A manifest of the resource that every kind has. */
export function targetManifest(kind: KindSpec): object {
  const spec = TARGET_SPECS[kind.kind];
  if (spec === undefined) throw new Error(`${kind.kind} has no spec in TARGET_SPECS`);
  return { apiVersion: 'dais.dev/v1', kind: kind.kind, metadata: { name: 'target' }, spec };
}

function ofKind(kind: KindSpec, verb: string): Request | undefined {
  switch (verb) {
    case 'list':
    case 'watch':
      return {};
    case 'get':
    case 'history':
      return target;
    case 'create':
      return { body: targetManifest(kind) };
    case 'update':
      return { ...target, body: targetManifest(kind), ifMatch: '"0"' };
    case 'delete':
      return { ...target, ifMatch: '"0"' };
    case 'rollback':
      return { ...target, body: { generation: 999_999 } };
    default:
      return undefined;
  }
}
