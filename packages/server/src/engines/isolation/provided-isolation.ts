/** Isolation on a machine without bubblewrap: installs the bundled one before the first run, and reports why it could not. */
import type { Clock } from '#lib/clock.ts';
import { bundledBubblewrap, bundledPath, type BundledBubblewrapOptions } from './bubblewrap/bundled-bubblewrap.ts';
import type {
  Confined,
  ConfineOptions,
  IsolatedProcess,
  IsolatedRun,
  IsolatedStart,
  Isolation,
  IsolationOptions,
  IsolationReport,
} from './contract.ts';
import { findBubblewrap } from './programs.ts';

export interface ProvidedIsolationOptions {
  readonly bundled: BundledBubblewrapOptions;
  /** Options in addition to the bundled program. */
  readonly programs: Pick<IsolationOptions, 'configured' | 'path'>;
  /** Opens the engine; `bundled` is the path of the bundled program. */
  readonly open: (options: { readonly bundled: readonly string[] }) => Isolation;
  readonly clock: Clock;
}

/** A failed installation is retried by a run after this time. */
const RETRY_MS = 300_000;

export class ProvidedIsolation implements Isolation {
  readonly #options: ProvidedIsolationOptions;
  readonly #isolation: Isolation;
  readonly #closing = new AbortController();
  #installing: Promise<void> | undefined;
  #failed: { readonly at: number; readonly reason: string; readonly remedy: string } | undefined;

  constructor(options: ProvidedIsolationOptions) {
    const { bundled, open } = options;
    this.#options = options;
    this.#isolation = open({ bundled: [bundledPath(bundled.folder, bundled.release)] });
  }

  async report(): Promise<IsolationReport> {
    await this.#provide();
    const report = await this.#isolation.report();
    if (this.#failed === undefined || report.program !== undefined) return report;
    const { reason, remedy } = this.#failed;
    return { ...report, tried: [{ boundary: 'bubblewrap', reason }, ...report.tried], remedy };
  }

  async confine(run: IsolatedRun, options: ConfineOptions): Promise<Confined> {
    await this.#provide();
    return await this.#isolation.confine(run, options);
  }

  async start(run: IsolatedRun, start: IsolatedStart): Promise<IsolatedProcess> {
    await this.#provide();
    return await this.#isolation.start(run, start);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('Dais is stopping'));
    await this.#installing;
    await this.#isolation.close();
  }

  async #provide(): Promise<void> {
    const { bundled, programs, clock } = this.#options;
    const locations = { ...programs, bundled: [bundledPath(bundled.folder, bundled.release)] };
    if (this.#closing.signal.aborted || findBubblewrap(locations).length > 0) return;
    if (this.#failed !== undefined && clock.now() - this.#failed.at < RETRY_MS) return;
    this.#installing ??= bundledBubblewrap({ ...bundled, signal: this.#closing.signal }).then((found) => {
      this.#installing = undefined;
      this.#failed = 'reason' in found ? { ...found, at: clock.now() } : undefined;
    });
    await this.#installing;
  }
}
