import type { AlignType, Nodes, Root, Table } from 'mdast';
import { Fragment, type ReactNode } from 'react';
import { isWebAddress, parseMarkdown, splitMentions } from './markdown.ts';

export interface MarkdownTextProps {
  readonly text: string;
  /** Names after `@` that are users. */
  readonly mentions: readonly string[];
  /** How a user is shown. */
  readonly user: (name: string) => ReactNode;
}

/** Shows Markdown as React elements; HTML in it is shown as text. Headings are bold lines, since the page has an outline of its own. */
export function MarkdownContent({ text, mentions, user }: MarkdownTextProps) {
  const root = parseMarkdown(text);
  return (
    <div className="markdown">
      {root === undefined ? <p>{text}</p> : contentOf(root, { source: text, root, mentions, user })}
    </div>
  );
}

interface Context extends Omit<MarkdownTextProps, 'text'> {
  /** The Markdown. */
  readonly source: string;
  readonly root: Root;
  /** Inside of a link, where mentions are text. */
  readonly inLink?: true;
}

function contentOf(node: Nodes, context: Context): ReactNode {
  if (!('children' in node)) return null;
  return (node.children as readonly Nodes[]).map((child, at) => (
    <Fragment key={at}>{element(child, context)}</Fragment>
  ));
}

function element(node: Nodes, context: Context): ReactNode {
  switch (node.type) {
    case 'text':
      return context.inLink === true ? node.value : textWithMentions(node.value, context);
    case 'inlineCode':
      return <code>{node.value}</code>;
    case 'strong':
      return <strong>{contentOf(node, context)}</strong>;
    case 'emphasis':
      return <em>{contentOf(node, context)}</em>;
    case 'delete':
      return <del>{contentOf(node, context)}</del>;
    case 'break':
      return <br />;
    case 'link':
      return link(node.url, contentOf(node, { ...context, inLink: true }), node, context);
    case 'linkReference': {
      const definition = context.root.children.find(
        (one) => one.type === 'definition' && one.identifier === node.identifier,
      );
      const address = definition?.type === 'definition' ? definition.url : '';
      return link(address, contentOf(node, { ...context, inLink: true }), node, context);
    }
    case 'paragraph':
      return <p>{contentOf(node, context)}</p>;
    case 'heading':
      return (
        <p>
          <strong>{contentOf(node, context)}</strong>
        </p>
      );
    case 'blockquote':
      return <blockquote>{contentOf(node, context)}</blockquote>;
    case 'code':
      return <pre tabIndex={0}>{node.value}</pre>;
    case 'list':
      return node.ordered === true ? (
        <ol start={node.start ?? 1}>{contentOf(node, context)}</ol>
      ) : (
        <ul>{contentOf(node, context)}</ul>
      );
    case 'listItem': {
      const { checked, spread, children } = node;
      const [first] = children;
      const isTight = spread !== true && children.length === 1 && first?.type === 'paragraph';
      return (
        <li>
          {checked === true ? '☑ ' : checked === false ? '☐ ' : ''}
          {isTight ? contentOf(first, context) : contentOf(node, context)}
        </li>
      );
    }
    case 'table':
      return table(node, context);
    case 'thematicBreak':
      return <hr />;
    case 'definition':
      return null;
    default:
      return sourceOf(node, context);
  }
}

/** HTML, images and footnotes stay unchanged source text. */
function sourceOf({ position }: Nodes, { source }: Context): string {
  return position === undefined ? '' : source.slice(position.start.offset, position.end.offset);
}

function link(address: string, content: ReactNode, node: Nodes, context: Context): ReactNode {
  if (!isWebAddress(address)) return sourceOf(node, context);
  return (
    <a href={address} target="_blank" rel="noreferrer noopener nofollow">
      {content}
    </a>
  );
}

function textWithMentions(text: string, { mentions, user }: Context): ReactNode {
  return splitMentions(text, mentions).map((part, at) =>
    typeof part === 'string' ? (
      part
    ) : (
      <span key={at} className="mention">
        @{user(part.mention)}
      </span>
    ),
  );
}

function table({ children: [head, ...rows], align }: Table, context: Context): ReactNode {
  const alignment = (at: number): AlignType | undefined => align?.[at];
  return (
    // The keyboard scrolls a wide table.
    <div className="markdown-table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {head?.children.map((cell, at) => (
              <th key={at} scope="col" align={alignment(at) ?? undefined}>
                {contentOf(cell, context)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, number) => (
            <tr key={number}>
              {row.children.map((cell, at) => (
                <td key={at} align={alignment(at) ?? undefined}>
                  {contentOf(cell, context)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
