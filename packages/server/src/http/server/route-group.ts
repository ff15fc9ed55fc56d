import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { EventStreams } from '#http/routes/event-streams.ts';
import type { PublicAddress } from '#http/server/public-address.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Principal } from '#kernel/principal.ts';
import type { SpanContext } from '#lib/telemetry/tracer.ts';

/** A group of routes with one owner: the native API, the probes, or one protocol adapter. */
export interface RouteGroup {
  readonly name: string;
  /**
   * All paths of the group; `/*` at the end includes everything below. Routes outside these paths, or in paths of
   * another group, fail the start.
   */
  readonly paths: readonly string[];
  /** Also available below `/p/<project>`, which selects the project of the request. */
  readonly perProject: boolean;
  /** The header with which clients of this protocol select a project, in lower case; it must agree with the path. */
  readonly projectHeader?: string;
  /**
   * `checked`: only authenticated callers. `anonymous`: all callers, with the same checks of Host and Origin: sign-in
   * and the files of the console. `ticket`: callers with the ticket of the operation, regardless of other credentials.
   * `open`: every caller of the port: probes only. `agent`: programs with a token that the route verifies, whatever the Host; neither browsers nor steps of
   * this machine.
   */
  readonly access: 'checked' | 'anonymous' | 'ticket' | 'open' | 'agent';
  /** Every response comes from an operation, whose transaction checks whether the credential is still valid. */
  readonly dispatched?: true;
  /** Whether responses above 1 KiB are compressed if the client accepts it; content is sent unchanged. */
  readonly compress: boolean;
  /**
   * Adds the routes in a scope of their own, so that body parsers and error handlers stay separate. No body is read
   * until the function replaces the existing parser.
   */
  register(app: FastifyInstance, io: RouteServices): void | Promise<void>;
}

/** What a group of routes uses to handle requests. */
export interface RouteServices {
  /** Returns the caller as the kernel represents it. `origin`: the kind of client. */
  contextOf(request: FastifyRequest, reply: FastifyReply, origin: string): CallContext;
  /** Reads a whole body within the limits. @throws DaisError `too_large`, `request_timeout`, `unreadable_body`, … */
  readBody(payload: FastifyRequest['raw'], options?: ReadOptions): Promise<Buffer>;
  /**
   * Returns a body of any size as a stream. Fails with `request_timeout` if no data arrives within the time limit of a
   * whole body.
   */
  readContent(payload: FastifyRequest['raw']): Readable;
  readonly streams: EventStreams;
  /** Aborts when the server starts to drain: requests that wait for news end. */
  readonly draining: AbortSignal;
  readonly address: PublicAddress;
  readonly limits: BodyLimits;
}

export interface ReadOptions {
  /** The route decompresses the body itself, and applies the same limit to the result. Default: no. */
  readonly compressed?: boolean;
  /** Decompresses gzip and deflate, and applies the same limit to the result. Default: no. */
  readonly inflate?: boolean;
}

export interface BodyLimits {
  /** Largest body that is read into memory, in bytes. */
  readonly bodyBytes: number;
  /** Time limit for such a body. */
  readonly bodySeconds: number;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Name of the operation that a route calls; label of its metrics and name of its span. */
    operation?: string;
    /** Describes the process, not stored data: available on every process, whatever its role. */
    ofProcess?: boolean;
    access?: RouteGroup['access'];
    dispatched?: boolean;
    /** Pages of other sites may send the request; credentials are not checked. */
    fromOtherSites?: boolean;
  }
  interface FastifyRequest {
    principal: Principal | null;
    /** True if the response is an endless stream, whose duration has no meaning. */
    streaming: boolean;
    /** The segment after `/p/` in the path. */
    projectInAddress: string | undefined;
    /** Set if tracing is on. */
    span: SpanContext | undefined;
  }
}
