/** The comments ledger: comments on runs and model versions. */
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { commentEntries, type CommentDependencies } from './comment-entries.ts';
import { commentsSlice } from './comments-slice.ts';

export { dropComments } from './comments.ts';
export { commentsSlice } from './comments-slice.ts';
export type { CommentLocation, CommentSubject } from './subjects.ts';

export const ledger: LedgerDefinition<CommentDependencies> = {
  name: 'comments',
  slice: commentsSlice,
  open: (dependencies) => ({ entries: commentEntries(dependencies) }),
};
