/** Comments: what people say of runs and of versions of models. */
export { commentEntries } from './comment-entries.ts';
export { dropComments } from './comments.ts';
export { commentsSlice } from './comments-slice.ts';
export type { CommentPlace, CommentSubject } from './subjects.ts';
