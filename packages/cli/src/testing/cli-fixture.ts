/** For tests: a real server, and the command line run in this process against it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import type { Environment } from '#environment.ts';
import { runCommandLine } from '#run.ts';
import { sharedDais, WITH_ACCOUNTS, type SharedKind } from '../../../server/src/testing/shared-dais.ts';
import { startDais, type StartedDais } from '../../../server/src/testing/start-dais.ts';

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly stdin?: string | Buffer;
  readonly workingFolder?: string;
  readonly environment?: Partial<Environment>;
  readonly signal?: AbortSignal;
  /** Results go to a terminal. */
  readonly terminal?: true;
  /** Called with each chunk of the output. */
  readonly onOut?: (text: string) => void;
}

export class CliFixture {
  readonly server: Omit<StartedDais, 'grpc'>;
  /** Empty and writable; the home folder of the commands. */
  readonly folder: string;
  /** The project of the commands; undefined: the default project. */
  readonly project: string | undefined;

  constructor(server: Omit<StartedDais, 'grpc'>, folder: string, project?: string) {
    this.server = server;
    this.folder = folder;
    this.project = project;
  }

  static async start(flags: Readonly<Record<string, string>> = {}): Promise<CliFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'dais-cli-'));
    return new CliFixture(await startDais(flags), folder);
  }

  /** Runs the commands in a separate project of the Dais that the test files of a worker share. */
  static async shared(): Promise<CliFixture> {
    const { url, data, project } = await sharedDais();
    return new CliFixture(running(url, data), await mkdtemp(join(tmpdir(), 'dais-cli-')), project);
  }

  /** The same in the project `default`, which all files use: the test must not change it. */
  static async sharedDefault(kind?: SharedKind): Promise<CliFixture> {
    const { root, data } = await sharedDais(undefined, kind);
    return new CliFixture(running(root, data), await mkdtemp(join(tmpdir(), 'dais-cli-')));
  }

  /** The same of the Dais with accounts, whose users are those of all files. */
  static async sharedAccounts(): Promise<CliFixture> {
    return await CliFixture.sharedDefault(WITH_ACCOUNTS);
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  async run(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
    let out = '';
    let err = '';
    const stdin = options.stdin === undefined ? new PassThrough() : Readable.from([Buffer.from(options.stdin)]);
    const code = await runCommandLine(words, {
      environment: {
        url: undefined,
        token: undefined,
        project: this.project,
        data: this.server.data,
        noColor: true,
        editor: 'false',
        home: this.folder,
        isRoot: false,
        retrySeconds: undefined,
        variables: { PATH: process.env['PATH'], HOME: this.folder },
        ...options.environment,
      },
      streams: {
        stdin,
        stdout: {
          ...(options.terminal === true && { isTTY: true, columns: 100 }),
          write: (text: string) => {
            out += text;
            options.onOut?.(text);
          },
        },
        stderr: { write: (text: string) => (err += text) },
      },
      workingFolder: options.workingFolder ?? this.folder,
      now: Date.now,
      signal: options.signal ?? new AbortController().signal,
    });
    return { code, out, err };
  }
}

/** A server that other files use, too. */
function running(url: string, data: string): Omit<StartedDais, 'grpc'> {
  return { url, data, tokenFile: join(data, 'owner-token'), stop: async () => {} };
}
