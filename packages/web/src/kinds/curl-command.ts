import { shellWord } from './cli-command.ts';

export interface CurlCall {
  /** The server URL, without a trailing slash. */
  readonly server: string;
  /** There are accounts: the request has to authenticate. */
  readonly accounts: boolean;
  /** Undefined for organization resources. */
  readonly project: string | undefined;
  /** Path after the server and the project: `/api/v1/secrets`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** A manifest in the request. */
  readonly file?: string;
  /** A body of the request. */
  readonly json?: object;
}

/**
 * Returns the request behind a page as a curl command. It names the token variable, never a token: pasted commands are
 * read by others.
 */
export function curlCommand({ server, accounts, project, path, query = {}, file, json }: CurlCall): string {
  const projectPath = project === undefined || project === 'default' ? '' : `/p/${encodeURIComponent(project)}`;
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const search = new URLSearchParams(given).toString();
  return [
    'curl -sS --fail-with-body',
    ...(accounts ? ['-H "Authorization: Bearer $DAIS_TOKEN"'] : []),
    ...(file === undefined ? [] : [`-H 'Content-Type: application/yaml' --data-binary ${shellWord(`@${file}`)}`]),
    ...(json === undefined ? [] : [`--json ${shellWord(JSON.stringify(json))}`]),
    shellWord(`${server}${projectPath}${path}${search === '' ? '' : `?${search}`}`),
  ].join(' ');
}
