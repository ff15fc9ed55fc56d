/** Comments: what people say of runs and of versions of models. */
export { commentEntries } from './comment-entries.ts';
export { dropComments } from './comments.ts';
export { commentsSlice } from './comments-slice.ts';
export type { CommentSubject } from './subjects.ts';
