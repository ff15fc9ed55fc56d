/** A real nginx in front of a real server, configured as in docs/guide/behind-nginx.md. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { run, start } from '#lib/process.ts';
import { ensureProgram } from '../../../../../tools/debian-packages.mjs';

export interface Nginx {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  stop(): Promise<void>;
}

const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

/** Starts nginx with the given `location` blocks. @throws Error when nginx can neither be found nor installed. */
export async function startNginx(locations: string): Promise<Nginx> {
  const program = await ensureProgram(
    'Tests behind a proxy need nginx, and it is not on the PATH.',
    ['nginx'],
    'nginx-light',
  );
  const folder = await mkdtemp(join(tmpdir(), 'dais-nginx-'));
  // Workers of nginx as root run as nobody and store their temporary files here.
  await chmod(folder, 0o711);
  const port = await freePort();
  const configuration = join(folder, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; pid ${folder}/pid; error_log ${folder}/error.log;
${process.geteuid?.() === 0 ? 'user nobody nogroup;' : ''}
worker_processes 1; events { worker_connections 256; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations} }
}`,
  );
  const args = ['-e', join(folder, 'error.log'), '-c', configuration];
  const tested = await run(program, ['-t', ...args], { env: ENVIRONMENT });
  if (tested.code !== 0) throw new Error(`nginx rejects the configuration: ${tested.stderr}`);
  const child = start(program, args, { env: ENVIRONMENT, stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = `http://127.0.0.1:${port}`;
  for (let answered = false; !answered;) {
    answered = await fetch(`${url}/`).then(
      (response) => response.text().then(() => true),
      () => delay(20, false),
    );
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
  }
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
