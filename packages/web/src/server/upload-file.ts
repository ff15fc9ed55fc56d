/** Uploads a file and reports progress, which `fetch` does not support. */
import { DaisError, fromProblem, type DaisClient } from '@dais/api';

export interface FileUpload {
  /** Path on the server, without a leading slash. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly file: Blob;
  readonly signal: AbortSignal;
  /** Uploaded share, 0 to 1. */
  readonly progress: (share: number) => void;
}

/**
 * @throws DaisError of the server, or `server_unreachable`; the reason of the signal when it is aborted
 */
export async function uploadFile(client: DaisClient, upload: FileUpload): Promise<void> {
  const { path, query, file, signal, progress } = upload;
  signal.throwIfAborted();
  const scope = client.project === undefined ? '' : `p/${encodeURIComponent(client.project)}/`;
  const url = new URL(`${scope}${path}`, `${client.url.replace(/\/$/, '')}/`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  await new Promise<void>((resolve, reject: (reason: unknown) => void) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener('abort', abort, { once: true });
    request.upload.addEventListener('progress', ({ loaded, total }) => progress(total === 0 ? 1 : loaded / total));
    request.addEventListener('abort', () => reject(signal.reason));
    request.addEventListener('error', () =>
      reject(new DaisError('server_unreachable', 'The connection to the server failed during the upload.')),
    );
    request.addEventListener('load', () => {
      signal.removeEventListener('abort', abort);
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(refusal(request));
    });
    request.open('PUT', url);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.send(file);
  });
}

function refusal({ status, responseText }: XMLHttpRequest): unknown {
  try {
    return fromProblem(JSON.parse(responseText));
  } catch {
    return new DaisError('internal', `The server returned status ${status}.`);
  }
}
