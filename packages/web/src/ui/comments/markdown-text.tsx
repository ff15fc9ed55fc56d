import { Fragment, type ReactNode } from 'react';
import { parseMarkdown, type Block, type Inline } from './markdown.ts';

export interface MarkdownTextProps {
  readonly text: string;
  /** Names behind `@` that are users. */
  readonly mentions: readonly string[];
  /** How a user is shown. */
  readonly user: (name: string) => ReactNode;
}

/** What somebody wrote, shown. Headings are bold lines: a comment has no place in the order of the page's own. */
export function MarkdownText({ text, mentions, user }: MarkdownTextProps) {
  return <div className="markdown">{parseMarkdown(text, mentions).map((block, at) => blockNode(block, at, user))}</div>;
}

function blockNode(block: Block, at: number, user: MarkdownTextProps['user']): ReactNode {
  switch (block.type) {
    case 'code':
      return (
        <pre key={at} tabIndex={0}>
          {block.text}
        </pre>
      );
    case 'list': {
      const items = block.items.map((item, index) => <li key={index}>{inlineNodes(item, user)}</li>);
      return block.ordered ? <ol key={at}>{items}</ol> : <ul key={at}>{items}</ul>;
    }
    case 'quote':
      return <blockquote key={at}>{inlineNodes(block.content, user)}</blockquote>;
    case 'heading':
      return (
        <p key={at}>
          <strong>{inlineNodes(block.content, user)}</strong>
        </p>
      );
    default:
      return <p key={at}>{inlineNodes(block.content, user)}</p>;
  }
}

function inlineNodes(parts: readonly Inline[], user: MarkdownTextProps['user']): ReactNode {
  return parts.map((part, at) => <Fragment key={at}>{inlineNode(part, user)}</Fragment>);
}

function inlineNode(part: Inline, user: MarkdownTextProps['user']): ReactNode {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'code':
      return <code>{part.text}</code>;
    case 'strong':
      return <strong>{inlineNodes(part.content, user)}</strong>;
    case 'emphasis':
      return <em>{inlineNodes(part.content, user)}</em>;
    case 'link':
      return (
        <a href={part.address} target="_blank" rel="noreferrer noopener nofollow">
          {part.text}
        </a>
      );
    default:
      return <span className="mention">@{user(part.name)}</span>;
  }
}
