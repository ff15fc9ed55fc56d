/**
 * A server that speaks the protocols of S3 and KMS, from moto's own Python package: the judge of the engines that stand
 * on those services. Listens on a free port and holds everything in memory.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from '../../tools/python-env.mjs';

export interface MotoServer {
  /** `http://ADDRESS:PORT` */
  readonly url: string;
  readonly pid: number;
  /** SIGKILL, then waits for the end. Idempotent. */
  stop(): Promise<void>;
}

/** PR_SET_PDEATHSIG = 1: the server ends with the process that started it, also when that one is killed. */
const PROGRAM = `
import signal, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
except (AttributeError, OSError):
    pass
from moto.server import main
main(["-H", sys.argv[2], "-p", sys.argv[1]])
`;

let shared: Promise<MotoServer> | undefined;

/**
 * The server of this test worker, which ends with it: a start takes seconds of CPU. Files name different buckets, and do not stop it.
 */
export async function sharedMotoServer(): Promise<Pick<MotoServer, 'url'>> {
  shared ??= startMotoServer();
  return await shared;
}

/** `port` 0 takes a free one; a given port lets a test bring the server back where it was. */
export async function startMotoServer(port = 0, address = '127.0.0.1'): Promise<MotoServer> {
  const environment = await pythonEnvironment('s3', fileURLToPath(new URL('requirements.txt', import.meta.url)));
  const child = spawn(`${environment}/bin/python`, ['-u', '-c', PROGRAM, String(port), address], {
    cwd: '/',
    // moto reads these before it answers; the credentials are made up and only have to be there.
    env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_DEFAULT_REGION: 'eu-central-1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-10_000);
      const url = /Running on (http:\/\/[\d.]+:\d+)/.exec(output)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (code) => reject(new Error(`the moto server ended with code ${code}:\n${output}`)));
  });
  return { url, pid: child.pid!, stop };
}
