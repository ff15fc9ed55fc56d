/** The objects and callers for tests of all operations: one of everything, in two projects. */
import { randomBytes } from 'node:crypto';
import { kinds, type KindSpec } from '@dais/api';
import { roles } from '@dais/api/access';
import { vi } from 'vitest';
import { DATASET, datasetSpec, pushedFiles } from './data-recipes.ts';
import { MEASURED, measuredSpec } from './feature-recipes.ts';
import { operationNamed, resource, type MatrixCaller } from './matrix-caller.ts';
import { NEVER_RUNS, targetManifest, type RecipeWorld, type Request } from './operation-recipes.ts';
import { startModelJob } from './model-job-recipes.ts';
import { writePrediction } from './prediction-recipes.ts';
import { labelTargets } from './privacy-recipes.ts';
import { TRIED_PROVIDER } from './provisioning-recipes.ts';
import { trackingTargets } from './tracking-recipes.ts';

/** Roles whose actions belong to the organization. */
export const OF_ORGANIZATION: ReadonlySet<string> = new Set(['scraper', 'provisioner']);

/** By the name of the account. */
export type Tokens = ReadonlyMap<string, string>;

/** Does the same in both projects at the same time. */
async function inBoth(work: (project: string) => Promise<void>): Promise<void> {
  await Promise.all(['own', 'other'].map(work));
}

export class MatrixWorld {
  readonly #caller: MatrixCaller;
  /** The data folder of the Dais. */
  readonly #data: string;
  #execution: Promise<string> | undefined;
  #datasetRows = 1;

  constructor(caller: MatrixCaller, data: string) {
    this.#caller = caller;
    this.#data = data;
  }

  /** One of everything in both projects, and accounts with each role. */
  async fill(): Promise<Tokens> {
    const tokens = new Map<string, string>();
    const ofScope = (scope: KindSpec['scope']) => kinds.filter((kind) => kind.scope === scope).map(targetManifest);
    const accounts = [...roles, ...roles.map((role) => `org-${role}`), 'stranger', 'suspended'];
    await this.#caller.apply(accounts.map((account) => resource('ServiceAccount', account, {})));
    await this.#caller.apply([resource('Team', 'deciders', { serviceAccounts: accounts })]);
    await this.#caller.apply([...ofScope('org'), resource('Project', 'own', {}), resource('Project', 'other', {})]);
    // Most of this time is waiting for jobs of the server.
    await inBoth(async (project) => {
      await this.#caller.apply(ofScope('project'), project);
      await this.#register('target', project);
      await this.#addPipelineVersion(project, '1');
      await this.#addDatasetVersion(project);
      await this.#addPrediction(project);
    });
    await this.#makeDatasetVersion(this.#datasetRows);
    await inBoth(async (project) => {
      for (const [operation, request] of trackingTargets) await this.#caller.asOwner(operation, request, project);
      this.#caller.ids.set(`${project}/model-job`, await startModelJob(this.#caller, project));
    });
    await this.#caller.apply(
      // Some roles exist in the organization only: those accounts have no role.
      roles
        .filter((role) => !OF_ORGANIZATION.has(role))
        .map((role) => resource('RoleBinding', role, { role, serviceAccounts: [role] })),
      'own',
    );
    await this.#caller.apply([
      ...roles.map((role) => resource('OrganizationRoleBinding', role, { role, serviceAccounts: [`org-${role}`] })),
      resource('OrganizationRoleBinding', 'suspended', { role: 'admin', serviceAccounts: ['suspended'] }),
    ]);
    for (const account of accounts) tokens.set(account, await this.#caller.serviceToken(account));
    await this.#caller.apply([resource('ServiceAccount', 'suspended', { suspended: true })]);

    await this.#caller.invite('target');
    await this.#caller.apply([resource('User', 'ada', { email: 'ada@example.com' })]);
    await this.#caller.invite('ada');
    await this.#caller.apply([resource('RoleBinding', 'ada', { role: 'editor', users: ['ada'] })], 'own');
    return tokens;
  }

  /** Operations that delete or consume an object get a separate one. */
  recipes(): RecipeWorld {
    let users = 0;
    let models = 0;
    return {
      kinds,
      userSession: async () => {
        const { body } = await this.#caller.send(
          await this.#caller.signIn('target'),
          operationNamed('session.list'),
          {},
        );
        return (body['items'] as { id: string }[])[0]?.id ?? '';
      },
      userToken: async () => {
        const { body } = await this.#caller.send(await this.#caller.signIn('target'), operationNamed('token.create'), {
          body: { title: 'tried', days: 1 },
        });
        return body['id'] as string;
      },
      serviceToken: async () => {
        const body = { title: 'tried', days: 1 };
        return (await this.#caller.asOwner('serviceToken.create', { path: { name: 'target' }, body }))['id'] as string;
      },
      invitation: async () => {
        const body = { email: `invited-${String((users += 1))}@example.com` };
        return (await this.#caller.asOwner('invitation.create', { body }))['id'] as string;
      },
      provisionedUser: async () => {
        const body = { provider: TRIED_PROVIDER, userName: `provisioned-${String((users += 1))}@example.com` };
        return (await this.#caller.asOwner('provisionedUser.create', { body }))['id'] as string;
      },
      provisionedGroup: async () => {
        const body = { provider: TRIED_PROVIDER, displayName: `group-${String((users += 1))}` };
        return (await this.#caller.asOwner('provisionedGroup.create', { body }))['id'] as string;
      },
      spareModel: async () => {
        const spare = `spare-${String((models += 1))}`;
        for (const project of ['own', 'other']) {
          await this.#caller.asOwner('registeredModel.create', { body: { name: spare } }, project);
          await this.#caller.asOwner(
            'modelVersion.create',
            { path: { name: spare }, body: { source: 's3://bucket/m' } },
            project,
          );
        }
        return spare;
      },
      webhook: async () => {
        const spare = `webhook-${String((models += 1))}`;
        const body = { name: spare, url: 'https://webhook.invalid/', events: ['run.finished'] };
        for (const project of ['own', 'other']) {
          const { id } = await this.#caller.asOwner('webhook.create', { body }, project);
          this.#caller.ids.set(`${project}/${spare}`, String(id));
        }
        return spare;
      },
      recurrence: async () => {
        const spare = `recurrence-${String((models += 1))}`;
        const when = { type: 'cron', cron: '0 0 30 2 *' };
        for (const project of ['own', 'other']) {
          const { id } = await this.#caller.asOwner(
            'recurrence.create',
            { body: { name: spare, pipeline: 'target', when } },
            project,
          );
          this.#caller.ids.set(`${project}/${spare}`, String(id));
        }
        return spare;
      },
      definition: async () => {
        const spare = `definition-${String((models += 1))}`;
        const body = { format: 'recipe', type: 'thing', name: spare, body: '' };
        for (const project of ['own', 'other']) await this.#caller.asOwner('definition.put', { body }, project);
        return spare;
      },
      pipelineVersion: async () => {
        const spare = `version-${String((models += 1))}`;
        for (const project of ['own', 'other']) await this.#addPipelineVersion(project, spare);
        return spare;
      },
      upload: async () => {
        const spare = `upload-${String((models += 1))}`;
        for (const project of ['own', 'other']) {
          const { id } = await this.#caller.asOwner(
            'artifactUpload.begin',
            { body: { path: spare, parts: 1 } },
            project,
          );
          this.#caller.ids.set(`${project}/${spare}`, String(id));
        }
        return spare;
      },
      push: async () => {
        const spare = `push-${randomBytes(8).toString('hex')}`;
        for (const project of ['own', 'other']) {
          const body = { files: pushedFiles };
          const { id } = await this.#caller.asOwner('datasetPush.begin', { path: { name: 'target' }, body }, project);
          this.#caller.ids.set(`${project}/${spare}`, String(id));
        }
        return spare;
      },
      materialization: async () => await this.#inEveryProject('features.materialize', { view: MEASURED }),
      featureBuild: async () =>
        await this.#inEveryProject('features.build', { features: [`${MEASURED}:x`], to: 'built' }),
      node: async () => {
        const { items } = await this.#caller.asOwner('node.list', {});
        return String((items as readonly { readonly id: string }[])[0]?.id);
      },
      nodeToken: async () => {
        const { entry } = await this.#caller.asOwner('nodeToken.create', { body: {} });
        return (entry as { readonly id: string }).id;
      },
      datasetVersion: async () => await this.#makeDatasetVersion((this.#datasetRows += 1)),
      execution: async () => await (this.#execution ??= this.#endedExecution()),
      spareExecution: async () => await this.#endedExecution(),
      spareLabelSet: async () => {
        const spare = `spare-${randomBytes(6).toString('hex')}`;
        for (const project of ['own', 'other'])
          await this.#caller.asOwner('labelSet.create', { body: { name: spare, dataset: 'target' } }, project);
        return spare;
      },
      spareUser: async () => {
        const spare = `spare-${String((users += 1))}`;
        await this.#caller.apply([resource('User', spare, { email: `${spare}@example.com` })]);
        // A user without audit entries cannot be erased.
        const auditQuery = { query: { kind: 'User', name: spare, limit: '1' } };
        await vi.waitUntil(
          async () =>
            ((await this.#caller.asOwner('organizationAudit.list', auditQuery))['items'] as unknown[]).length === 1,
          { timeout: 60_000 },
        );
        return spare;
      },
    };
  }

  /** A failed run of commands in every project: a placeholder for its id in each. */
  async #endedExecution(): Promise<string> {
    const spare = `execution-${randomBytes(8).toString('hex')}`;
    await inBoth(async (project) => {
      const { upload } = await this.#caller.asOwner('execution.upload', {}, project);
      const body = { steps: { main: NEVER_RUNS }, code: { files: [{ path: 'x', upload }] } };
      const { id } = await this.#caller.asOwner('execution.submit', { body }, project);
      const path = { id: String(id) };
      await vi.waitUntil(
        async () => (await this.#caller.asOwner('execution.get', { path }, project))['endedAt'] !== undefined,
        {
          timeout: 60_000,
        },
      );
      this.#caller.ids.set(`${project}/${spare}`, path.id);
    });
    return spare;
  }

  /** Versions of the Dataset `rows`, in every project: the number of the newest. */
  async #makeDatasetVersion(rows: number): Promise<string> {
    const spare = `version-${rows}`;
    await inBoth(async (project) => {
      await this.#caller.apply([resource('Dataset', DATASET, datasetSpec(rows))], project);
      const { id } = await this.#caller.asOwner('dataset.refresh', { path: { name: DATASET }, body: {} }, project);
      const path = { name: DATASET, id: String(id) };
      const ended = async () => {
        const ingest = await this.#caller.asOwner('datasetIngest.get', { path }, project);
        return ingest['endedAt'] === undefined ? undefined : ingest;
      };
      const ingest = await vi.waitUntil(ended, { timeout: 60_000, interval: 50 });
      // A refresh that a role was permitted in one project only has added a version there.
      this.#caller.ids.set(`${project}/${spare}`, String(ingest['version']));
    });
    return spare;
  }

  /** A call that runs once in every project: a placeholder for its id in each. */
  async #inEveryProject(operation: string, body: object): Promise<string> {
    const made = `${operation} of all`;
    for (const project of ['own', 'other']) {
      if (this.#caller.ids.has(`${project}/${made}`)) continue;
      await this.#caller.apply([resource('FeatureView', MEASURED, measuredSpec)], project);
      this.#caller.ids.set(
        `${project}/${made}`,
        String((await this.#caller.asOwner(operation, { body }, project))['id']),
      );
    }
    return made;
  }

  /** Version 1 of a model, an alias of it, and approval 1. */
  async #register(model: string, project: string): Promise<void> {
    const path = { name: model };
    await this.#caller.asOwner('modelVersion.create', { path, body: { source: 's3://bucket/m' } }, project);
    await this.#caller.asOwner(
      'modelAlias.set',
      { path: { ...path, alias: 'known' }, body: { version: '1' } },
      project,
    );
    await this.#caller.asOwner('modelApproval.request', { path, body: { version: '1', alias: 'guarded' } }, project);
  }

  /** A version of the Pipeline `target`. */
  async #addPipelineVersion(project: string, version: string): Promise<void> {
    const body = { version, format: 'steps', document: { steps: { main: NEVER_RUNS } } };
    await this.#caller.asOwner('pipelineVersion.create', { path: { name: 'target' }, body }, project);
  }

  /** Version 1 of the Dataset `target`, created from labels, with its findings. */
  async #addDatasetVersion(project: string): Promise<void> {
    for (const [operation, request] of labelTargets) await this.#caller.asOwner(operation, request, project);
    const path = { set: 'target' };
    const first = async (operation: string, request: Request) =>
      (
        (await this.#caller.asOwner(operation, request, project))['items'] as {
          id: string;
          annotations: { id: string }[];
        }[]
      )[0];
    const task = await first('labelTask.list', { path });
    const { id } = await this.#caller.asOwner('labelSet.publish', { path, body: { dataset: 'target' } }, project);
    this.#caller.ids.set(`${project}/annotation`, task?.annotations[0]?.id ?? '');
    this.#caller.ids.set(`${project}/publication`, String(id));
    const finding = async () => (await first('datasetFinding.list', { path: { name: 'target' } }))?.id;
    this.#caller.ids.set(`${project}/finding`, (await vi.waitUntil(finding, { timeout: 60_000, interval: 100 })) ?? '');
    const expected = { path: { name: 'target', version: '1' }, body: { expectations: [{ type: 'rowCount', min: 0 }] } };
    this.#caller.ids.set(
      `${project}/check`,
      String((await this.#caller.asOwner('qualityCheck.start', expected, project))['id']),
    );
  }

  async #addPrediction(project: string): Promise<void> {
    const { metadata } = await this.#caller.asOwner('endpoint.get', { path: { name: 'target' } }, project);
    const made = await writePrediction(this.#data, project, (metadata as { uid: string }).uid);
    this.#caller.ids.set(`${project}/prediction`, made);
    const erase = { path: { endpoint: 'target' }, body: { column: 'in_nothing', value: 'tried' } };
    this.#caller.ids.set(
      `${project}/erasure`,
      String((await this.#caller.asOwner('prediction.erase', erase, project))['id']),
    );
    const alerted = async () => {
      const { items } = await this.#caller.asOwner('monitorAlert.list', { path: { monitor: 'target' } }, project);
      return (items as { id: string }[])[0]?.id;
    };
    this.#caller.ids.set(`${project}/alert`, (await vi.waitUntil(alerted, { timeout: 120_000, interval: 200 })) ?? '');
    // The files of the version are stored elsewhere: that is a finding.
    const scanned = async () => {
      const { body } = await this.#caller.send(
        this.#caller.owner,
        operationNamed('modelScan.get'),
        { path: { name: 'target', version: '1' } },
        project,
      );
      return (body['findings'] as { id: string }[] | undefined)?.[0]?.id;
    };
    this.#caller.ids.set(
      `${project}/model-finding`,
      (await vi.waitUntil(scanned, { timeout: 60_000, interval: 100 })) ?? '',
    );
  }
}
