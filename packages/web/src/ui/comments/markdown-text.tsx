import { lazy, Suspense } from 'react';
import type { MarkdownTextProps } from './markdown-content.tsx';

/** The parser weighs 23 KB, which most pages do not need. */
const MarkdownContent = lazy(async () => ({ default: (await import('./markdown-content.tsx')).MarkdownContent }));

/** Shows Markdown, and its source until the parser is loaded. */
export function MarkdownText(props: MarkdownTextProps) {
  return (
    <Suspense
      fallback={
        <div className="markdown">
          <p>{props.text}</p>
        </div>
      }
    >
      <MarkdownContent {...props} />
    </Suspense>
  );
}
