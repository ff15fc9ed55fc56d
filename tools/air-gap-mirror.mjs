/**
 * Runs an npm registry (npm-mirror.mjs) in a network namespace: node tools/air-gap-mirror.mjs CACHE LOCK [LOCK ...]. It brings the
 * loopback interface up (a new network namespace has it down), prints the port of the registry as one line, and ends with its
 * standard input.
 */
import { execFileSync } from 'node:child_process';
import { startNpmMirror } from './npm-mirror.mjs';
import { findPython } from './python.mjs';

/** Python, because it is there for uv, while iproute2 may be missing. 0x8913 reads the flags, 0x8914 sets them, 1 is IFF_UP. */
const LOOPBACK_UP = `
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    flags = struct.unpack("16sh", fcntl.ioctl(control, 0x8913, struct.pack("16sh14x", b"lo", 0))[:18])[1]
    if not flags & 1:
        fcntl.ioctl(control, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))
`;

const [cache = '', ...locks] = process.argv.slice(2);
execFileSync((await findPython()).path, ['-I', '-c', LOOPBACK_UP]);
const onMiss = (/** @type {string} */ path) => void process.stderr.write(`the mirror does not have ${path}\n`);
const mirror = await startNpmMirror({ cache, locks, onMiss });
process.stdout.write(`${new URL(mirror.url).port}\n`);
process.stdin.resume();
process.stdin.once('close', () => mirror.close());
