/** Workspaces are the projects of Dais, whose other settings are in their manifests. */
import { API_VERSION, findKind, readServerOperation, resourceOperations, type Operation } from '@dais/api';
import { route, type CallOperation, type RefusedCall, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { json, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing, MlflowError } from '../wire/mlflow-error.ts';

const workspace = { name: string, description: string };
const settings = { description: string, default_artifact_root: string, trace_archival_config: json };

interface Project {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: object;
    readonly annotations?: object;
    readonly resourceVersion?: string;
  };
  readonly spec: { readonly description?: string };
}

const projects = resourceOperations(findKind('Project') as NonNullable<ReturnType<typeof findKind>>);

function ofProjects(name: string): Operation {
  const found = projects.find((operation) => operation.name === name);
  if (found === undefined) throw new Error(`no operation ${name}`);
  return found;
}

const listProjects = ofProjects('project.list');
const readProject = ofProjects('project.get');
const createProject = ofProjects('project.create');
const updateProject = ofProjects('project.update');
const deleteProject = ofProjects('project.delete');

const message = ({ metadata, spec }: Project) => ({ name: metadata.name, description: spec.description });

/** The capabilities that clients query before they use optional features. */
const SERVER = {
  store_type: 'SqlStore',
  workspaces_enabled: true,
  trace_archival_enabled: false,
  // Both exist for clients that enable them. By default a client uses one stream, whose bytes are written once.
  multipart_uploads_enabled: false,
  multipart_downloads_enabled: false,
  artifact_serving_enabled: true,
  presigned_upload_run_id_supported: false,
  presigned_upload_model_id_supported: false,
  model_artifact_presigned_downloads_supported: false,
  features_enabled: { gateway: false, scheduled_issue_detection: false },
  tracking_auth: '',
  artifacts_presigned_only: false,
} as const;

export const workspaceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/server-info',
    beside: 'capabilities of the server',
    operation: readServerOperation,
    request: {},
    answer: async (_values, call) => {
      await call(readServerOperation, {});
      return SERVER;
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/workspaces',
    operation: listProjects,
    request: {},
    response: { workspaces: repeated(nested(workspace)) },
    answer: async (_values, call) => ({ workspaces: list((await allProjects(call)).map(message)) }),
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/workspaces/:workspace_name',
    operation: readProject,
    request: { workspace_name: required(string) },
    response: { workspace: nested(workspace) },
    answer: async ({ workspace_name: name }, call) => {
      return { workspace: message(await read(name, call)) };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: '/mlflow/workspaces',
    operation: createProject,
    request: { name: required(string), ...settings },
    response: { workspace: nested(workspace) },
    answer: async ({ name, description, ...more }, call) => {
      requireOwnStore(more);
      const spec = description === undefined ? {} : { description };
      const manifest = { apiVersion: API_VERSION, kind: 'Project', metadata: { name }, spec };
      const taken = () => new MlflowError('RESOURCE_ALREADY_EXISTS', `Workspace '${name}' already exists.`);
      return { workspace: message((await call(createProject, { manifest }, { already_exists: taken })) as Project) };
    },
  }),
  route({
    method: 'PATCH',
    version: 3,
    path: '/mlflow/workspaces/:workspace_name',
    operation: updateProject,
    request: { workspace_name: required(string), ...settings },
    response: { workspace: nested(workspace) },
    answer: async ({ workspace_name: name, description, ...more }, call) => {
      requireOwnStore(more);
      const { apiVersion, kind, metadata, spec } = await read(name, call);
      const { labels, annotations, resourceVersion } = metadata;
      const manifest = {
        apiVersion,
        kind,
        metadata: { name, ...(labels !== undefined && { labels }), ...(annotations !== undefined && { annotations }) },
        spec: { ...spec, ...(description !== undefined && { description }) },
      };
      const at = resourceVersion === undefined ? {} : { resourceVersion };
      return { workspace: message((await call(updateProject, { name, manifest, ...at })) as Project) };
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: '/mlflow/workspaces/:workspace_name',
    operation: deleteProject,
    request: { workspace_name: required(string) },
    answer: async ({ workspace_name: name }, call) => {
      await read(name, call);
      // As in MLflow, a workspace with records is not deleted.
      const held = ({ message: text }: RefusedCall) => new MlflowError('RESOURCE_CONFLICT', text);
      await call(deleteProject, { name }, { still_referenced: held });
      return {};
    },
  }),
];

async function read(name: string, call: CallOperation): Promise<Project> {
  const unknown = () => missing(`Workspace '${name.slice(0, 256)}' not found`);
  if (name.length > 256) throw unknown();
  return (await call(readProject, { name }, { not_found: unknown })) as Project;
}

/** @throws MlflowError for settings that projects do not have. */
function requireOwnStore(sent: { readonly default_artifact_root?: string; readonly trace_archival_config?: unknown }) {
  if ((sent.default_artifact_root ?? '') !== '') {
    throw invalid('Dais stores the artifacts of all workspaces itself. Omit default_artifact_root.');
  }
  if (sent.trace_archival_config !== undefined) {
    throw invalid(
      'Dais does not archive traces. Omit trace_archival_config. The setting retention.traceDays deletes old traces.',
    );
  }
}

/** Clients call it once. */
async function allProjects(call: CallOperation): Promise<Project[]> {
  const found: Project[] = [];
  let cursor: string | undefined;
  do {
    const page = (await call(listProjects, { limit: 1000, ...(cursor !== undefined && { cursor }) })) as {
      readonly items: readonly Project[];
      readonly nextCursor?: string;
    };
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}
