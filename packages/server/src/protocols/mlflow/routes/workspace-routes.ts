/** Workspaces are the projects of Dais. Clients read them; they are created and changed as manifests. */
import { findKind, readServerOperation, resourceOperations, type Operation } from '@dais/api';
import { route, type CallOperation, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { nested, repeated, required, string } from '../wire/message.ts';
import { missing } from '../wire/mlflow-error.ts';

const workspace = { name: string, description: string };

interface Project {
  readonly metadata: { readonly name: string };
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
      const unknown = () => missing(`Workspace '${name.slice(0, 256)}' not found`);
      if (name.length > 256) throw unknown();
      return { workspace: message((await call(readProject, { name }, { not_found: unknown })) as Project) };
    },
  }),
];

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
