import { useEffect, useRef, useState, type RefObject } from 'react';
import type { NodeContent } from './graph-box.tsx';
import type { GraphLayout, PlacedNode } from './graph-layout.ts';
import type { State } from '#ui/state-badge.tsx';

export interface GraphOverviewProps {
  readonly layout: GraphLayout;
  readonly contentOf: (id: string) => NodeContent | undefined;
  readonly chosen: string | undefined;
  readonly scale: number;
  readonly margin: number;
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly choose: (id: string) => void;
}

const STATES: readonly State[] = ['ok', 'running', 'waiting', 'warning', 'failed', 'off'];

/** An overview of a large graph: nodes are colored rectangles on a canvas; hovering shows a name. */
export function GraphOverview({ layout, contentOf, chosen, scale, margin, scroller, choose }: GraphOverviewProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [under, setUnder] = useState<string>();
  useEffect(() => {
    const [element, around] = [canvas.current, scroller.current];
    if (element === null || around === null) return undefined;
    let frame = 0;
    const paint = () => {
      frame = 0;
      paintAll(element, around, { layout, contentOf, chosen, scale, margin });
    };
    const later = () => {
      frame = frame === 0 ? requestAnimationFrame(paint) : frame;
    };
    paint();
    around.addEventListener('scroll', later, { passive: true });
    const sizes = new ResizeObserver(later);
    sizes.observe(around);
    return () => {
      cancelAnimationFrame(frame);
      around.removeEventListener('scroll', later);
      sizes.disconnect();
    };
  });
  const nodeAt = (event: { readonly clientX: number; readonly clientY: number }): PlacedNode | undefined => {
    const around = scroller.current;
    if (around === null) return undefined;
    const { left, top } = around.getBoundingClientRect();
    const x = (event.clientX - left + around.scrollLeft) / scale - margin;
    const y = (event.clientY - top + around.scrollTop) / scale - margin;
    // The content of a group comes after it.
    return layout.nodes.findLast(
      (node) => x >= node.x && y >= node.y && x <= node.x + node.width && y <= node.y + node.height,
    );
  };
  const content = under === undefined ? undefined : contentOf(under);
  return (
    <canvas
      ref={canvas}
      className="graph-overview"
      role="img"
      aria-label={`Overview of ${layout.nodes.length.toLocaleString('en')} nodes; use the arrow keys to move between nodes`}
      title={content === undefined ? '' : `${content.about}: ${content.word}`}
      onMouseMove={(event) => setUnder(nodeAt(event)?.id)}
      onClick={(event) => {
        const node = nodeAt(event);
        if (node !== undefined) choose(node.id);
      }}
    />
  );
}

type Painted = Pick<GraphOverviewProps, 'layout' | 'contentOf' | 'chosen' | 'scale' | 'margin'>;

function paintAll(
  canvas: HTMLCanvasElement,
  around: HTMLElement,
  { layout, contentOf, chosen, scale, margin }: Painted,
): void {
  const context = canvas.getContext('2d');
  if (context === null) return;
  const { clientWidth, clientHeight, scrollLeft, scrollTop } = around;
  const dots = window.devicePixelRatio;
  if (canvas.width !== clientWidth * dots || canvas.height !== clientHeight * dots) {
    canvas.width = clientWidth * dots;
    canvas.height = clientHeight * dots;
    canvas.style.width = `${clientWidth}px`;
    canvas.style.height = `${clientHeight}px`;
  }
  const theme = getComputedStyle(canvas);
  const color = (name: string) => theme.getPropertyValue(`--${name}`);
  const colors = Object.fromEntries(STATES.map((state) => [state, color(state)]));
  context.setTransform(dots, 0, 0, dots, 0, 0);
  context.clearRect(0, 0, clientWidth, clientHeight);
  context.setTransform(
    dots * scale,
    0,
    0,
    dots * scale,
    dots * (margin * scale - scrollLeft),
    dots * (margin * scale - scrollTop),
  );
  context.lineWidth = 1 / scale;
  const groups = layout.nodes.filter(({ open }) => open);
  context.strokeStyle = color('line-strong');
  for (const { x, y, width, height } of groups) context.strokeRect(x, y, width, height);
  context.beginPath();
  for (const { points } of layout.lines) {
    for (const [index, { x, y }] of points.entries()) {
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    }
  }
  context.stroke();
  for (const { id, x, y, width, height, open } of layout.nodes) {
    if (open) continue;
    context.fillStyle = colors[contentOf(id)?.state ?? 'off'] ?? '';
    context.fillRect(x, y, width, height);
  }
  const node = layout.nodes.find(({ id }) => id === chosen);
  if (node === undefined) return;
  context.strokeStyle = color('ink');
  context.lineWidth = 3 / scale;
  context.strokeRect(node.x - 4 / scale, node.y - 4 / scale, node.width + 8 / scale, node.height + 8 / scale);
}
