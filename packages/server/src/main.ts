/** The program of a child process: receives its setup over IPC, and exits with its supervisor. */
import type { Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { DaisError, toProblem } from '@dais/api';
import { closeInheritedDescriptors } from '#lib/system/inherited-descriptors.ts';
import { createLineLog } from '#lib/telemetry/line-log.ts';
import { inheritedSocketDiagnosis } from '#lib/system/socket-diagnosis.ts';
import type { FromChild, ToChild } from '#supervisor/messages.ts';
import { Control } from './control/control.ts';
import type { ControlSetup } from './control/control-setup.ts';
import { programVersion } from './version.ts';

/** When the supervisor died without a word, what runs still gets this long. */
const ORPHAN_DRAIN_MS = 5000;

export function runChild(): void {
  const send = (message: FromChild) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const log = createLineLog({
    level: 'info',
    format: process.argv.includes('--log-text') ? 'text' : 'json',
    write: (line) => process.stdout.write(line),
    now: Date.now,
    version: programVersion(),
    role: 'control',
    pid: process.pid,
  });
  let starting: Promise<Control> | undefined;
  let leaving = false;

  const start = async (setup: ControlSetup) => {
    log.setLevel(setup.config.log.level);
    starting = Control.start(setup, {
      log,
      socketDiagnosis: inheritedSocketDiagnosis(process.argv),
      onPhase: (name, ms) => send({ type: 'phase', name, ms }),
      want: (helper) => send({ type: 'want', helper }),
      post: (to, body) => send({ type: 'forward', to, body }),
    });
    try {
      await starting;
      send({ type: 'ready' });
    } catch (error) {
      const reported =
        error instanceof DaisError ? error : new DaisError('internal', error instanceof Error ? error.message : '');
      if (reported.code === 'internal') log.error('the control process could not start', { error });
      process.send?.({ type: 'failed', problem: toProblem(reported) } satisfies FromChild, undefined, undefined, () =>
        process.exit(1),
      );
    }
  };
  const drain = async (deadlineMs: number, isOrphan = false) => {
    if (leaving) return;
    leaving = true;
    await (await starting?.catch(() => undefined))?.drain(deadlineMs, { isOrphan });
    process.exit(0);
  };
  const hear = async (message: ToChild, socket: Socket | undefined) => {
    switch (message.type) {
      case 'start':
        await start(message.setup as ControlSetup);
        break;
      case 'connection':
        send({ type: 'took', id: message.id, ...(message.at !== undefined && { at: message.at }) });
        // Undefined if the peer disconnected before the connection arrived here.
        if (socket !== undefined) (await starting)?.accept(socket, message.at);
        break;
      case 'reload':
        log.setLevel((message.setup as ControlSetup).config.log.level);
        await (await starting)?.reload(message.setup as ControlSetup);
        break;
      case 'message':
        (await starting)?.hear(message.from, message.body);
        break;
      case 'notice':
        (await starting)?.giveNotice();
        break;
      case 'drain':
        await drain(message.deadlineMs);
        break;
    }
  };
  process.on('message', (message, socket) => {
    hear(message as ToChild, socket as Socket | undefined).catch((error: unknown) =>
      log.error('could not process a message of the supervisor', { error }),
    );
  });
  process.once('disconnect', () => void drain(ORPHAN_DRAIN_MS, true));
  // A Ctrl-C in the terminal reaches the whole process group: the supervisor starts the drain.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  send({ type: 'loaded' });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  closeInheritedDescriptors();
  runChild();
}
