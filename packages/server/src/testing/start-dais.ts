/** For end-to-end tests that only call it: a Dais in separate processes, and its data folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDaisProcess } from './dais-process.ts';

export interface StartedDais {
  readonly url: string;
  /** Host and port. */
  readonly grpc: string | undefined;
  readonly data: string;
  /** What its owner has. */
  readonly tokenFile: string;
  /** Ends it in order, and removes its folder unless `flags` named another. */
  stop(): Promise<void>;
}

/** @throws Error with what it wrote when it does not start. */
export async function startDais(flags: Readonly<Record<string, unknown>> = {}): Promise<StartedDais> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-'));
  const own = { data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), ...flags };
  const dais = startDaisProcess(own);
  const end = async () => {
    dais.process.kill('SIGTERM');
    await dais.ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const { data } = own;
    const url = await dais.ready;
    const grpc = /"dais\.grpc":"([^"]+)"/.exec(dais.output())?.[1];
    return { url, grpc, data, tokenFile: join(data, 'owner-token'), stop: end };
  } catch (error) {
    await end();
    throw error;
  }
}
