/**
 * Sessions of agents: signed, not stored, so that any process of the installation accepts them, also after a restart. A session is valid for one pod
 * of one attempt, for as long as the attempt is not over.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface AgentSession {
  readonly attempt: string;
  readonly podUid: string;
  readonly round: number;
  /** Clock of Dais minus clock of the node (ms). */
  readonly clockOffsetMs: number;
}

const DOMAIN = 'dais agent session\0';

export class AgentSessions {
  readonly #key: Buffer;

  /** `key`: 32 random bytes that all processes of the installation share. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  create({ attempt, podUid, round, clockOffsetMs }: AgentSession): string {
    const content = Buffer.from(JSON.stringify([attempt, podUid, round, clockOffsetMs])).toString('base64url');
    return `${content}.${this.#sign(content).toString('base64url')}`;
  }

  /** Undefined for a text that `create` did not return. */
  read(text: string): AgentSession | undefined {
    const [content = '', signature = '', ...rest] = text.split('.');
    const given = Buffer.from(signature, 'base64url');
    const expected = this.#sign(content);
    if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    const fields = JSON.parse(Buffer.from(content, 'base64url').toString('utf8')) as [string, string, number, number];
    const [attempt, podUid, round, clockOffsetMs] = fields;
    return { attempt, podUid, round, clockOffsetMs };
  }

  #sign(content: string): Buffer {
    return createHmac('sha256', this.#key).update(DOMAIN).update(content).digest();
  }
}
