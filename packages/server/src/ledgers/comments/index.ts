/** The comments ledger: comments on runs and model versions. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { commentEntries, type CommentParts } from './comment-entries.ts';
import { commentsSlice } from './comments-slice.ts';

export { dropComments } from './comments.ts';
export { commentsSlice } from './comments-slice.ts';
export type { CommentPlace, CommentSubject } from './subjects.ts';

export const ledger: LedgerDefinition<CommentParts> = {
  name: 'comments',
  slice: commentsSlice,
  open: (parts) => ({ entries: commentEntries(parts) }),
};
