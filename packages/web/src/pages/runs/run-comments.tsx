import { CommentsPanel } from '#pages/comments/comments-panel.tsx';
import { useNews } from '#server/use-news.ts';

/** The comments on a run, live. */
export function RunComments({ project, run }: { readonly project: string; readonly run: string }) {
  const key = ['comments of run', project, run];
  const ready = useNews(project, { kind: 'Run', name: run }, key);
  return <CommentsPanel project={project} about={{ run }} queryKey={key} ready={ready} />;
}
