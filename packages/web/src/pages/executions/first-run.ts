/** Commands that start the first execution. Pure functions. */
import { daisCommand, shellWord } from '#kinds/cli-command.ts';

export interface FirstRunInput {
  /** The server URL, without a trailing slash. */
  readonly server: string;
  readonly project: string;
  /** There are accounts: the caller has to authenticate. */
  readonly accounts: boolean;
}

/** The lines never include a token: signing in stores one. */
export function firstRunLines({ server, project, accounts }: FirstRunInput): string {
  return [
    accounts ? `dais login ${shellWord(server)}` : `export DAIS_URL=${shellWord(server)}`,
    `${daisCommand(['run', '--name', 'first'], project)} -- sh -c 'echo hello; sleep 5'`,
    daisCommand(['runs'], project),
  ].join('\n');
}
