/**
 * Shows the comments on a run or a model version, live. On a page:
 *
 *     <CommentsPanel project={project} about={{ run: id }} />
 *     <CommentsPanel project={project} about={{ name, version }} ready={place.ready} queryKey={place.key} />
 *
 * `queryKey` and `ready`: of a page that already watches the events of the subject, so that the panel needs no watch of
 * its own; events refresh the queries under the key. Without them, the panel loads once and refreshes after the viewer
 * comments.
 */
import type { DaisClient } from '@dais/api';
import {
  createRunCommentOperation,
  createVersionCommentOperation,
  deleteRunCommentOperation,
  deleteVersionCommentOperation,
  listRunCommentsOperation,
  listVersionCommentsOperation,
  removeRunCommentOperation,
  removeVersionCommentOperation,
  updateRunCommentOperation,
  updateVersionCommentOperation,
  type Comment,
} from '@dais/api/tracking';
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { principalOf, useSession } from '#server/session.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { CommentList } from '#ui/comments/comment-list.tsx';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

export type CommentedOn = { readonly run: string } | { readonly name: string; readonly version: string };

export interface CommentsPanelProps {
  readonly project: string;
  readonly about: CommentedOn;
  readonly queryKey?: readonly string[];
  readonly ready?: boolean;
}

/** Comments of one page. */
const PAGE = 100;

export function CommentsPanel({ project, about, queryKey = ['comments', project], ready = true }: CommentsPanelProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const session = useSession();
  const may = useMay(project);
  const kind = 'run' in about ? 'Run' : 'Model';
  const word = kind.toLowerCase();
  const whyNot = useWhyNotDo(project, kind, [`${word}:comment`], 'run' in about ? undefined : about.name);
  const verbs = verbsOf(client, about);
  const key = [...queryKey, 'comments', about];
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetching } = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam, signal }) => await verbs.list(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: ready,
  });
  const then = async (done: Promise<unknown>) => {
    await done;
    await queries.invalidateQueries({ queryKey: key });
  };
  return (
    <Panel title="Comments">
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton rows={2} />}
      {data !== undefined && (
        <>
          <CommentList
            comments={data.pages.flatMap(({ items }) => items)}
            self={session === undefined ? undefined : principalOf(session)}
            whyNot={whyNot(`${word}:comment`)}
            moderates={may(`${word}:moderate`) === true}
            author={(author) => <ActorName actor={author} project={project} />}
            user={(name) => <ReferenceLink kind="User" name={name} project={project} />}
            create={async (text) => await then(verbs.create(text))}
            change={async (id, text) => await then(verbs.update(id, text))}
            remove={async (id, own) => await then(own ? verbs.delete(id) : verbs.remove(id))}
          />
          {hasNextPage && (
            <Button variant="default" loading={isFetching} onClick={() => void fetchNextPage()}>
              Show newer comments
            </Button>
          )}
        </>
      )}
    </Panel>
  );
}

interface Verbs {
  readonly list: (
    cursor: string | undefined,
    signal: AbortSignal,
  ) => Promise<{ readonly items: readonly Comment[]; readonly nextCursor?: string | undefined }>;
  readonly create: (text: string) => Promise<unknown>;
  readonly update: (id: string, text: string) => Promise<unknown>;
  readonly delete: (id: string) => Promise<unknown>;
  readonly remove: (id: string) => Promise<unknown>;
}

/** The same verbs for each commentable object. */
function verbsOf(client: DaisClient, about: CommentedOn): Verbs {
  const page = (cursor: string | undefined) => ({ limit: PAGE, ...(cursor !== undefined && { cursor }) });
  if ('run' in about) {
    return {
      list: async (cursor, signal) =>
        await client.perform(listRunCommentsOperation, { ...about, ...page(cursor) }, { signal }),
      create: async (text) => await client.perform(createRunCommentOperation, { ...about, text }),
      update: async (id, text) => await client.perform(updateRunCommentOperation, { ...about, id, text }),
      delete: async (id) => await client.perform(deleteRunCommentOperation, { ...about, id }),
      remove: async (id) => await client.perform(removeRunCommentOperation, { ...about, id }),
    };
  }
  return {
    list: async (cursor, signal) =>
      await client.perform(listVersionCommentsOperation, { ...about, ...page(cursor) }, { signal }),
    create: async (text) => await client.perform(createVersionCommentOperation, { ...about, text }),
    update: async (id, text) => await client.perform(updateVersionCommentOperation, { ...about, id, text }),
    delete: async (id) => await client.perform(deleteVersionCommentOperation, { ...about, id }),
    remove: async (id) => await client.perform(removeVersionCommentOperation, { ...about, id }),
  };
}
