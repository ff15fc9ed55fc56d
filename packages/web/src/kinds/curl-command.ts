import { shellWord } from './cli-command.ts';

export interface CurlCall {
  /** Where the server is reached, without a slash at the end. */
  readonly server: string;
  /** There are accounts: the call has to say whose it is. */
  readonly accounts: boolean;
  /** Undefined for what belongs to the organization. */
  readonly project: string | undefined;
  /** Below the server and the project: `/api/v1/secrets`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  /** A manifest that is sent. */
  readonly file?: string;
  /** A body that is sent. */
  readonly json?: object;
}

/** The call behind a page, for a shell. A token is named, never written: what is pasted somewhere is read by others. */
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
