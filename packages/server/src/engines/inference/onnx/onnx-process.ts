/** The program of a process with a session, for untrusted models: it exchanges frames over descriptor 3. */
import { Socket } from 'node:net';
import { FRAME, onFrames, sendFrame, type Frame } from '../frames.ts';
import { fromPlain, OnnxSession, toPlain, type SessionPlan } from './onnx-session.ts';

const socket = new Socket({ fd: 3, readable: true, writable: true });
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
const end = () => process.exit(0);
socket.on('end', end);
socket.on('error', end);

try {
  const session = await OnnxSession.open(JSON.parse(process.argv[2] ?? '') as SessionPlan);
  // Errors before the run, such as invalid text, are also responses: the process continues.
  const infer = async ({ header, tensors }: Frame) =>
    await session.run(tensors.map(toPlain), header['outputs'] as readonly string[] | undefined);
  onFrames(socket, (frame) => {
    const { id, kind } = frame;
    if (kind === FRAME.ping) {
      sendFrame(socket, { id, kind });
      return;
    }
    infer(frame).then(
      (results) => sendFrame(socket, { id, kind: FRAME.result, tensors: results.map(fromPlain) }),
      (error: unknown) => sendFrame(socket, { id, kind: FRAME.failed, header: { message: messageOf(error) } }),
    );
  });
  sendFrame(socket, { id: 0, kind: FRAME.ready });
} catch (error) {
  sendFrame(socket, { id: 0, kind: FRAME.failed, header: { message: messageOf(error) } });
}
