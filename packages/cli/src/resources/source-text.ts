import type { Source } from '@dais/api';

/** `github.com/team/deploy@1a2b3c4d secrets/chat.yaml (with changes)`; empty when it is unknown. */
export function sourceText(source: Source | undefined): string {
  if (source === undefined) return '';
  const remote = source.remote?.replace(/^[a-z+]+:\/\/(?:[^@/]+@)?/, '').replace(/\.git$/, '');
  const commit = source.commit === undefined ? '' : `@${source.commit.slice(0, 8)}`;
  const parts = [
    `${remote ?? ''}${commit}`,
    source.path ?? '',
    source.dirty === true ? '(with uncommitted changes)' : '',
  ];
  return parts.filter((part) => part !== '').join(' ');
}
