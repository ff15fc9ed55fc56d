/**
 * Messages between supervisor and child over their IPC channel. Plain data; a `connection` message carries a socket.
 */
import type { Problem } from '@dais/api';

export type ToChild =
  /** Once, after `loaded`: everything the child needs. `setup` is opaque to the supervisor. */
  | { readonly type: 'start'; readonly setup: unknown }
  /**
   * An accepted, unread connection; `at` names its socket unless it is the main one. The child confirms it with `took`.
   */
  | { readonly type: 'connection'; readonly id: number; readonly at?: string }
  | { readonly type: 'reload'; readonly setup: unknown }
  /** A message of another process of the tree, or of the supervisor; opaque to the supervisor. */
  | { readonly type: 'message'; readonly from: string; readonly body: unknown }
  /** The end is near: report not ready, and ask clients to use other connections. New connections still arrive. */
  | { readonly type: 'notice' }
  /** Finish what runs, then exit. */
  | { readonly type: 'drain'; readonly deadlineMs: number };

export type FromChild =
  /** Its code is loaded and it waits for `start`. */
  | { readonly type: 'loaded' }
  | { readonly type: 'phase'; readonly name: string; readonly ms: number }
  /** It answers requests. */
  | { readonly type: 'ready' }
  /** The connection is the child's now: the supervisor closes its copy. */
  | { readonly type: 'took'; readonly id: number; readonly at?: string }
  /** From now on a helper of this name has to run. */
  | { readonly type: 'want'; readonly helper: string }
  /** To be passed on to another process of the tree, if it runs. */
  | { readonly type: 'forward'; readonly to: string; readonly body: unknown }
  /** It cannot start; it exits after this. */
  | { readonly type: 'failed'; readonly problem: Problem };
