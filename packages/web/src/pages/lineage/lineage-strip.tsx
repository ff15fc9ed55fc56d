import type { LineageGraph, LineageNode } from '@dais/api/lineage';
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import { NODE_KINDS, nodeAddress } from './node-address.ts';
import { nodeWords, stripSteps } from './strip-steps.ts';
import { lineageAddress, runAddress } from '#addresses.ts';
import './lineage-strip.css';

/** Maximum number of shown nodes of one step, with the number of others. */
const SHOWN = 3;

export interface LineageStripProps {
  readonly project: string;
  readonly graph: LineageGraph;
  /** Short name of the subject. */
  readonly self: string;
}

/** `flights@8d1f → depth 8 → model → version 2 → copy/1`: each links to its object. */
export function LineageStrip({ project, graph, self }: LineageStripProps) {
  const { from, to } = stripSteps(graph);
  if (from.length + to.length === 0) return null;
  const steps: readonly ReactNode[] = [
    ...from.map((nodes, at) => <Step key={at} project={project} nodes={nodes} next={from[at + 1]} />),
    <strong key="self">{self}</strong>,
    ...to.map((nodes, at) => <Step key={`to ${at}`} project={project} nodes={nodes} next={undefined} />),
  ];
  // For a subject without a node, such as one prediction, the first node is its direct source.
  const [first] = graph.nodes;
  return (
    <>
      <ol className="lineage-strip" aria-label="Lineage">
        {steps.map((step, at) => (
          // oxlint-disable-next-line react/no-array-index-key -- the distance identifies a step
          <li key={at}>
            {at > 0 && (
              <span className="dim" aria-hidden="true">
                →
              </span>
            )}
            {step}
          </li>
        ))}
      </ol>
      {first !== undefined && <Link {...lineageAddress(project, first.node)}>Full lineage</Link>}
    </>
  );
}

interface StepProps {
  readonly project: string;
  readonly nodes: readonly LineageNode[];
  /** The outputs: a dataset is shown where it was read. */
  readonly next: readonly LineageNode[] | undefined;
}

function Step({ project, nodes, next }: StepProps) {
  const reader = next?.find(({ type }) => type === 'run');
  return (
    <span>
      {nodes.slice(0, SHOWN).map((node, at) => (
        <Fragment key={node.node}>
          {at > 0 && ', '}
          <Node project={project} node={node} reader={reader} />
        </Fragment>
      ))}
      {nodes.length > SHOWN && ` and ${nodes.length - SHOWN} more`}
    </span>
  );
}

interface NodeProps {
  readonly project: string;
  readonly node: LineageNode;
  readonly reader: LineageNode | undefined;
}

function Node({ project, node, reader }: NodeProps) {
  if (node.hidden === true) return <span className="dim">hidden (no permission)</span>;
  const words = nodeWords(node);
  const title = `${NODE_KINDS[node.type]} ${words}`;
  if (node.gone === true) {
    return (
      <span className="dim" title={title}>
        {words} (deleted)
      </span>
    );
  }
  const address = nodeAddress(project, node);
  if (address !== undefined) {
    return (
      <Link {...address} title={title}>
        {words}
      </Link>
    );
  }
  const readBy = reader?.data?.['run'];
  if (node.type === 'dataset' && readBy !== undefined) {
    return (
      <Link {...runAddress(project, readBy)} search={{ tab: 'about' }} title={title}>
        {words}
      </Link>
    );
  }
  return <span title={title}>{words}</span>;
}
