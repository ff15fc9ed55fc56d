import {
  listArtifactFilesOperation,
  listArtifactsOperation,
  readLoggedModelOperation,
  readRunOperation,
} from '@dais/api/tracking';
import { route, type CallOperation, type Route } from '../route.ts';
import { folderOf, isFolder, joined } from '#protocols/mlflow/wire/artifact-location.ts';
import { list } from '../wire/encode.ts';
import { runName, safePath } from '../wire/limits.ts';
import { nested, repeated, required, string } from '../wire/message.ts';
import { fileInfo } from '../wire/messages.ts';
import { modelName, noModel } from './logged-model-routes.ts';
import { refusedRun } from './run-errors.ts';

const listing = { root_uri: string, files: repeated(nested(fileInfo)), next_page_token: string };

export const artifactRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/mlflow-artifacts/artifacts',
    operation: listArtifactsOperation,
    request: { path: string },
    response: { files: repeated(nested(fileInfo)) },
    answer: async ({ path = '' }, call) => ({ files: list(await filesIn(safePath(path), '', call)) }),
  }),
  route({
    method: 'GET',
    path: '/mlflow/artifacts/list',
    operation: listArtifactsOperation,
    request: { run_id: required(string), run_uuid: string, path: string, page_token: string },
    response: listing,
    answer: async ({ run_id: id, path = '' }, call) => {
      const folder = safePath(path);
      const { artifactUri } = await call(readRunOperation, { id: runName(id) }, refusedRun(id));
      return await listingOf(artifactUri, folder, call);
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/logged-models/:model_id/artifacts/directories',
    operation: listArtifactsOperation,
    request: { model_id: required(string), artifact_directory_path: string, page_token: string },
    response: listing,
    answer: async ({ model_id: id, artifact_directory_path: path = '' }, call) => {
      const folder = safePath(path);
      const { artifactUri } = await call(readLoggedModelOperation, { id: modelName(id) }, noModel(id));
      return await listingOf(artifactUri, folder, call);
    },
  }),
];

/** Paths relative to the root of the run or the model. */
async function listingOf(uri: string, folder: string, call: CallOperation) {
  const files = isFolder(uri)
    ? await allPages(folder, async (cursor) => {
        const location = { home: uri, ...(folder !== '' && { path: folder }) };
        return await call(listArtifactFilesOperation, { ...location, ...cursor });
      })
    : await filesIn(joined(folderOf(uri), folder), folder, call);
  return { root_uri: uri, files: list(files) };
}

async function filesIn(folder: string, shownBelow: string, call: CallOperation) {
  const location = folder === '' ? {} : { path: folder };
  return await allPages(shownBelow, async (cursor) => await call(listArtifactsOperation, { ...location, ...cursor }));
}

interface Page {
  readonly items: readonly { readonly name: string; readonly directory: boolean; readonly size?: number | undefined }[];
  readonly nextCursor?: string | undefined;
}

/** Clients request one. */
async function allPages(shownBelow: string, read: (cursor: { readonly cursor?: string }) => Promise<Page>) {
  const files: { path: string; is_dir: boolean; file_size: number | undefined }[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? {} : { cursor });
    for (const { name, directory, size } of page.items) {
      files.push({ path: joined(shownBelow, name), is_dir: directory, file_size: size });
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return files;
}
