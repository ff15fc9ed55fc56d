/** Sends a file to the server and tells how far it is: `fetch` does not say. */
import { DaisError, fromProblem, type DaisClient } from '@dais/api';

export interface FileUpload {
  /** Below the server, without a slash before it. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly file: Blob;
  readonly signal: AbortSignal;
  /** Share that is sent, 0 to 1. */
  readonly progress: (share: number) => void;
}

/** @throws DaisError what the server says, or `server_unreachable`; the reason of the signal when it is given up */
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
