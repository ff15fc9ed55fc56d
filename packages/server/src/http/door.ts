import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EventStreams } from '#http/event-streams.ts';
import type { PublicAddress } from '#http/public-address.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Principal } from '#kernel/principal.ts';
import type { SpanContext } from '#lib/telemetry/tracer.ts';

/** A group of routes with one owner: the native REST interface, the probes, one foreign protocol. */
export interface Door {
  readonly name: string;
  /** Every path it answers; `/*` at the end for all below. Routes elsewhere, or in the paths of another door, fail the start. */
  readonly paths: readonly string[];
  /** Also reachable below `/p/<project>`, which then names the project of the request. */
  readonly perProject: boolean;
  /** The header in which this door's clients name a project, in lower case; it must agree with the address. */
  readonly projectHeader?: string;
  /**
   * `checked`: only callers who say who they are. `anonymous`: others too, by the same Host and Origin: signing in, and the
   * console's own files. `ticket`: whoever has the ticket that the operation asks for, whatever else they send. `open`: anybody who reaches the port: probes only.
   */
  readonly access: 'checked' | 'anonymous' | 'ticket' | 'open';
  /** Every answer is an operation's: whether a credential still holds is then looked at in its transaction. */
  readonly dispatched?: true;
  /** Whether answers above 1 KiB are compressed for those who accept it; content goes out as it is. */
  readonly compress: boolean;
  /**
   * Adds the routes, in a scope of its own, so that body parsers and error handlers of a door stay its own. No body is read until the door removes the parser there is and adds its own.
   */
  register(app: FastifyInstance, io: DoorIo): void | Promise<void>;
}

/** What a door is given to answer requests with. */
export interface DoorIo {
  /** The caller of a request in the kernel's terms. `origin`: which kind of client speaks through this door. */
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  /** A whole body, within the limits. @throws DaisError `too_large`, `request_timeout`, `unreadable_body`, … */
  readBody(payload: FastifyRequest['raw'], options?: ReadOptions): Promise<Buffer>;
  /** A body of any size as it comes. Fails with `request_timeout` when nothing comes for as long as a whole body may take. */
  readContent(payload: FastifyRequest['raw']): Readable;
  readonly streams: EventStreams;
  readonly address: PublicAddress;
  readonly limits: DoorLimits;
}

export interface ReadOptions {
  /** The door undoes the compression of the body itself, and holds what comes out to the same limit. Default: no. */
  readonly compressed?: boolean;
  /** gzip and deflate are undone, and what comes out is held to the same limit. Default: no. */
  readonly inflate?: boolean;
}

export interface DoorLimits {
  /** Largest body that is read into memory. */
  readonly bodyBytes: number;
  /** Time for such a body to arrive. */
  readonly bodySeconds: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name of the operation that a route calls; label of its metrics and name of its span. */
    operation?: string;
    /** Of the process, not of what it keeps: asked of every process, whatever its role. */
    ofProcess?: boolean;
    access?: Door['access'];
    dispatched?: boolean;
  }
  interface FastifyRequest {
    principal: Principal | null;
    /** True once the answer is an endless stream: its duration says nothing. */
    streaming: boolean;
    /** What stands after `/p/` in the address. */
    projectInAddress: string | undefined;
    /** Where traces are kept. */
    span: SpanContext | undefined;
  }
}
