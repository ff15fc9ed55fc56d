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
  type Operation,
} from '@dais/api';
import type { Call, OperationEntry } from '#kernel/dispatch.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { createComment, deleteComment, listComments, removeComment, updateComment } from './comments.ts';
import { listMentions, markMentionsRead, type MentionInput } from './mentions.ts';
import type { CommentSubject, CommentSubjects } from './subjects.ts';

export interface CommentParts {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly subjects: CommentSubjects;
}

interface RunInput {
  readonly run: string;
}

interface VersionInput {
  readonly name: string;
  readonly version: string;
}

type Handle<Input> = (tx: Transaction, call: Call<Input>, about: CommentSubject, now: number) => Promise<unknown>;

export function commentEntries({ now, subjects }: CommentParts): readonly OperationEntry[] {
  const ofRun = <Input>(operation: Operation, handle: Handle<Input>): OperationEntry => ({
    operation,
    handle: async (tx, call: Call<Input & RunInput>) =>
      await handle(tx, call, await subjects.run(tx, call.input.run), now()),
  });
  const ofVersion = <Input>(operation: Operation, handle: Handle<Input>): OperationEntry => ({
    operation,
    handle: async (tx, call: Call<Input & VersionInput>) =>
      await handle(tx, call, await subjects.version(tx, call.input.name, Number(call.input.version)), now()),
  });
  return [
    ofRun(listRunCommentsOperation, listComments),
    ofRun(createRunCommentOperation, createComment),
    ofRun(updateRunCommentOperation, updateComment),
    ofRun(deleteRunCommentOperation, deleteComment),
    ofRun(removeRunCommentOperation, removeComment),
    ofVersion(listVersionCommentsOperation, listComments),
    ofVersion(createVersionCommentOperation, createComment),
    ofVersion(updateVersionCommentOperation, updateComment),
    ofVersion(deleteVersionCommentOperation, deleteComment),
    ofVersion(removeVersionCommentOperation, removeComment),
    {
      operation: listMentionsOperation,
      handle: async (tx, call: Call<MentionInput>) => await listMentions(tx, call, subjects),
    },
    { operation: readMentionsOperation, handle: markMentionsRead },
  ];
}
