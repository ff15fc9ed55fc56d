/** For tests: a Dais that requires credentials, and clients in a separate Python environment that call it. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '#lib/process.ts';
import type { ConfigFlags } from '#config-load.ts';
import { environmentFlags } from '#testing/environment-flags.ts';
import { startDais, type StartedDais } from '#testing/start-dais.ts';
import { pythonEnvironment, pythonWheel } from '../../../../tools/python-env.mjs';

const conformance = fileURLToPath(new URL('../../../../conformance/', import.meta.url));

export interface ClientEnvironment {
  /** Names it in messages. */
  readonly name: string;
  /** In the folder of the peer. */
  readonly requirements: string;
  /** A release whose code is installed over another environment, because the package index lacks some of its parts. */
  readonly overlay?: string;
}

export interface ClientRun {
  /** URL and credentials, in the format of the client. */
  readonly variables: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

export interface ClientEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What clients call: one Dais, or a load balancer of several. */
export type CalledDais = Pick<StartedDais, 'url' | 'grpc'>;

export interface ClientPython<Called extends CalledDais = StartedDais> {
  readonly dais: Called;
  /** Of an administrator. */
  readonly token: string;
  /** Of the peer: scripts and pinned requirements. */
  readonly folder: string;
  /** Runs a program with arguments in an environment, to its end. */
  run(environment: ClientEnvironment, words: readonly string[], how: ClientRun): Promise<ClientEnd>;
  /** Also stops a Dais that was started for this. */
  stop(): Promise<void>;
}

/** `peer`: its folder below conformance/. `flags`: differences of this Dais from the default with credentials. */
export async function startClientPython(peer: string, flags: ConfigFlags = {}): Promise<ClientPython> {
  const dais = await startDais({
    // Clients receive webhooks on this machine.
    'authentication.mode': 'accounts',
    'outbound.allowHosts': ['127.0.0.1'],
    ...(await environmentFlags()),
    ...flags,
  });
  const client = await clientPython(peer, dais, (await readFile(dais.tokenFile, 'utf8')).trim());
  return {
    ...client,
    stop: async () => {
      await dais.stop();
      await client.stop();
    },
  };
}

/** Clients of a Dais that runs. `peer`: their folder below conformance/. */
export async function clientPython<Called extends CalledDais>(
  peer: string,
  dais: Called,
  token: string,
): Promise<ClientPython<Called>> {
  const home = await mkdtemp(join(tmpdir(), `dais-${peer}-client-`));
  const folder = join(conformance, peer);
  return {
    dais,
    token,
    folder,
    run: async ({ name, requirements, overlay }, words, { variables, timeoutMs }) => {
      const environment = await pythonEnvironment(name, join(folder, requirements));
      const end = await run(join(environment, 'bin', 'python'), ['-B', '-W', 'ignore', ...words], {
        // Isolated from the settings of this machine: a separate home folder, no proxy.
        env: {
          PATH: `${join(environment, 'bin')}:/usr/bin:/bin`,
          HOME: home,
          LANG: 'C.UTF-8',
          ...(overlay !== undefined && { PYTHONPATH: await pythonWheel(overlay) }),
          ...variables,
        },
        cwd: home,
        timeoutMs,
        maxOutputBytes: 8 << 20,
      });
      return { code: end.code, stdout: end.stdout.toString('utf8'), stderr: end.stderr };
    },
    stop: async () => await rm(home, { recursive: true, force: true }),
  };
}
