/** The only file of the command line that reads the environment of the process; other modules receive values. */
import { homedir } from 'node:os';

export interface Environment {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly project: string | undefined;
  /** For how many seconds an unanswered request is retried. */
  readonly retrySeconds: string | undefined;
  /** Data folder, where a running server stores its URL. */
  readonly data: string | undefined;
  readonly noColor: boolean;
  readonly editor: string;
  readonly home: string;
  readonly isRoot: boolean;
  /** The whole environment, for child processes and proxies. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export function readEnvironment(): Environment {
  const variables = process.env;
  // An empty variable is ignored, as everywhere in Dais.
  const text = (name: string) => (variables[name] === '' ? undefined : variables[name]);
  return {
    url: text('DAIS_URL'),
    token: text('DAIS_TOKEN'),
    project: text('DAIS_PROJECT'),
    retrySeconds: text('DAIS_RETRY_SECONDS'),
    data: text('DAIS_DATA'),
    // https://no-color.org: present and not empty, whatever its value.
    noColor: text('NO_COLOR') !== undefined || text('TERM') === 'dumb',
    editor: text('VISUAL') ?? text('EDITOR') ?? 'vi',
    home: homedir(),
    isRoot: process.geteuid?.() === 0,
    variables,
  };
}
