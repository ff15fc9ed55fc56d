/** Uploads files to a running server, which stores them itself. */
import { createHash } from 'node:crypto';
import { Readable, Transform } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { DaisError } from '@dais/api';
import { readArtifactOperation } from '@dais/api/tracking';
import { isAbsent } from '#import/http-traces.ts';
import { list, text, type ServerDependencies } from './server-dependencies.ts';

const PROXY = '/api/2.0/mlflow-artifacts/artifacts';
/** Larger files of equal size are assumed to be equal. */
const COMPARED_BY_SIZE_FROM = 2 ** 20;

/**
 * @param from location here
 * @param to location there
 * @param fresh whether the location there is known to be empty
 * @throws DaisError `invalid_state` for a server that stores them elsewhere, `digest_mismatch`.
 */
export async function sendFiles(
  dependencies: ServerDependencies,
  from: string,
  to: string,
  fresh: boolean,
): Promise<void> {
  const folder = folderOf(from);
  if (folder === undefined) return;
  const target = folderOf(to);
  let there: ReadonlyMap<string, number> | undefined;
  for await (const { path, size } of dependencies.source.files(folder)) {
    dependencies.signal.throwIfAborted();
    if (target === undefined) {
      const detail = `Artifacts are stored at ${to}, which only clients can write. Start the server with --serve-artifacts.`;
      throw new DaisError('invalid_state', detail);
    }
    const inner = path.slice(folder.length + 1);
    there ??= fresh ? new Map() : await filesThere(dependencies, target);
    if (there.get(inner) === size && size >= COMPARED_BY_SIZE_FROM) continue;
    await sendFile(dependencies, path, `${target}/${inner}`);
    dependencies.tally.add({ files: 1, bytes: size });
  }
}

function folderOf(uri: string): string | undefined {
  return /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(?<path>.+?)\/*$/i.exec(uri)?.groups?.['path'];
}

async function filesThere({ rest }: ServerDependencies, root: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      const page = await rest.get(PROXY, { path: folder === '' ? root : `${root}/${folder}` });
      for (const file of list(page['files'])) {
        const path = folder === '' ? text(file['path']) : `${folder}/${text(file['path'])}`;
        if (file['is_dir'] === true) folders.push(path);
        else found.set(path, Number(file['file_size'] ?? 0));
      }
    } catch (error) {
      if (!isAbsent(error)) throw error;
    }
  }
  return found;
}

async function sendFile({ rest, source, signal }: ServerDependencies, path: string, to: string): Promise<void> {
  const { bytes, tag } = await source.client.download(readArtifactOperation, { path }, { signal });
  const hash = createHash('sha256');
  const hashed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const body = Readable.fromWeb(bytes as ReadableStream);
  body.on('error', (error) => hashed.destroy(error));
  try {
    await rest.upload(`${PROXY}/${to.split('/').map(encodeURIComponent).join('/')}`, body.pipe(hashed));
  } finally {
    body.destroy();
  }
  const got = hash.digest('hex');
  if (tag !== undefined && tag !== got) {
    throw new DaisError('digest_mismatch', `${path} was sent with digest ${got}, expected ${tag}.`);
  }
}
