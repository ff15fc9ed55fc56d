import { DaisError, fromProblem, type DaisClient } from '@dais/api';

/** Path of an artifact that is stored in Dais, by its URI; undefined for others. */
export function artifactPath(uri: string): string | undefined {
  return /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.+)$/.exec(uri)?.[1];
}

/** The text of a small artifact; undefined when it does not exist. */
export async function readArtifactText(
  client: DaisClient,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const scope = client.project === undefined ? '' : `p/${encodeURIComponent(client.project)}/`;
  const url = new URL(`${scope}api/v1/tracking/artifacts/content`, `${client.url.replace(/\/$/, '')}/`);
  url.searchParams.set('path', path);
  const answer = await fetch(url, { signal });
  if (answer.ok) return await answer.text();
  if (answer.status === 404) return undefined;
  throw await answer
    .json()
    .then(fromProblem, () => new DaisError('internal', `The server returned status ${answer.status}.`));
}
