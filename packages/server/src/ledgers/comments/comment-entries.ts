import {
  createRunCommentOperation,
  createVersionCommentOperation,
  deleteRunCommentOperation,
  deleteVersionCommentOperation,
  listMentionsOperation,
  listRunCommentsOperation,
  listVersionCommentsOperation,
  readMentionsOperation,
  removeRunCommentOperation,
  removeVersionCommentOperation,
  updateRunCommentOperation,
  updateVersionCommentOperation,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { createComment, deleteComment, listComments, removeComment, updateComment } from './comments.ts';
import { listMentions, markMentionsRead } from './mentions.ts';
import type { CommentSubjects } from './subjects.ts';

export interface CommentDependencies {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly subjects: CommentSubjects;
}

export function commentEntries({ now, subjects }: CommentDependencies): readonly OperationEntry[] {
  const run = async (tx: Transaction, input: { readonly run: string }) => await subjects.run(tx, input.run);
  const version = async (tx: Transaction, input: { readonly name: string; readonly version: string }) =>
    await subjects.version(tx, input.name, Number(input.version));
  return [
    entry(listRunCommentsOperation, async (tx, call) => await listComments(tx, call, await run(tx, call.input))),
    entry(
      createRunCommentOperation,
      async (tx, call) => await createComment(tx, call, await run(tx, call.input), now()),
    ),
    entry(
      updateRunCommentOperation,
      async (tx, call) => await updateComment(tx, call, await run(tx, call.input), now()),
    ),
    entry(deleteRunCommentOperation, async (tx, call) => await deleteComment(tx, call, await run(tx, call.input))),
    entry(removeRunCommentOperation, async (tx, call) => await removeComment(tx, call, await run(tx, call.input))),
    entry(
      listVersionCommentsOperation,
      async (tx, call) => await listComments(tx, call, await version(tx, call.input)),
    ),
    entry(
      createVersionCommentOperation,
      async (tx, call) => await createComment(tx, call, await version(tx, call.input), now()),
    ),
    entry(
      updateVersionCommentOperation,
      async (tx, call) => await updateComment(tx, call, await version(tx, call.input), now()),
    ),
    entry(
      deleteVersionCommentOperation,
      async (tx, call) => await deleteComment(tx, call, await version(tx, call.input)),
    ),
    entry(
      removeVersionCommentOperation,
      async (tx, call) => await removeComment(tx, call, await version(tx, call.input)),
    ),
    entry(listMentionsOperation, async (tx, call) => await listMentions(tx, call, subjects)),
    entry(readMentionsOperation, markMentionsRead),
  ];
}
