import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { GraphBox, type NodeContent } from './graph-box.tsx';
import { linePath, type GraphLayout, type PlacedNode } from './graph-layout.ts';
import { nodeInDirection } from './graph-moves.ts';
import { GraphOverview } from './graph-overview.tsx';
import { boxOf, isSeen, tileOf, type Seen } from './graph-window.ts';
import { ActionIcon, Button } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import './graph.css';

export interface GraphViewProps {
  readonly label: string;
  readonly layout: GraphLayout;
  /** The same object while the content of a node is unchanged. */
  readonly contentOf: (id: string) => NodeContent | undefined;
  readonly chosen: string | undefined;
  /** The initially visible node, where none is selected. */
  readonly start?: string;
  readonly choose: (id: string | undefined) => void;
  readonly fold: (id: string, open: boolean) => void;
}

/** Margin around the drawing. */
const MARGIN = 24;
const ZOOMS = [0.1, 0.15, 0.25, 0.35, 0.5, 0.6, 0.75, 0.85, 1, 1.25] as const;
/** Below this scale, texts are unreadable: the overview is shown. */
const READABLE = 0.6;
/** A graph that would be smaller than this starts at full size. */
const LEAST_WHOLE = 0.6;

/**
 * Draws a graph of any size: visible nodes and lines are elements; at a small scale, all are painted on a canvas. It
 * scrolls like a page; arrow keys select nodes.
 */
export function GraphView({ label, layout, contentOf, chosen, start, choose, fold }: GraphViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState<Seen>();
  const [zoom, setZoom] = useState<number>();
  const scale = zoom ?? 1;
  const [width, height] = [(layout.width + 2 * MARGIN) * scale, (layout.height + 2 * MARGIN) * scale];
  const measure = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    const next = tileOf(element, scale, MARGIN);
    setSeen((before) => (before !== undefined && same(before, next) ? before : next));
  }, [scale]);
  useLayoutEffect(measure, [measure, layout]);
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);
  const fit = useCallback(() => {
    const element = scroller.current;
    if (element === null || layout.width === 0) return;
    const most = Math.min(
      element.clientWidth / (layout.width + 2 * MARGIN),
      element.clientHeight / (layout.height + 2 * MARGIN),
    );
    setZoom(ZOOMS.findLast((step) => step <= Math.min(most, 1)) ?? ZOOMS[0]);
  }, [layout]);
  /** Keeps the center in place. */
  const zoomBy = (steps: number) => {
    const at = ZOOMS.findIndex((step) => step >= scale);
    const next = ZOOMS[Math.min(Math.max(at + steps, 0), ZOOMS.length - 1)] ?? 1;
    const element = scroller.current;
    if (element === null || next === scale) return;
    const middle = {
      x: (element.scrollLeft + element.clientWidth / 2) / scale,
      y: (element.scrollTop + element.clientHeight / 2) / scale,
    };
    setZoom(next);
    requestAnimationFrame(() => {
      element.scrollTo(middle.x * next - element.clientWidth / 2, middle.y * next - element.clientHeight / 2);
    });
  };
  // Once, where it stays readable: a graph that is slightly too wide is scaled to fit.
  const fitted = useRef(false);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null || fitted.current || layout.width === 0) return;
    fitted.current = true;
    const most = element.clientWidth / (layout.width + 2 * MARGIN);
    if (most < 1 && most >= LEAST_WHOLE) setZoom(ZOOMS.findLast((step) => step <= most));
  }, [layout]);
  const byId = useMemo(() => new Map(layout.nodes.map((node) => [node.id, node])), [layout]);
  const show = useCallback(
    (node: PlacedNode) => scroller.current !== null && bringIntoView(scroller.current, node, scale),
    [scale],
  );
  // Scrolls to a node that a link or another component selects. A clicked node is already visible.
  const shown = useRef<string>(undefined);
  useEffect(() => {
    const requested = chosen ?? (shown.current === undefined ? start : undefined);
    const node = requested === undefined ? undefined : byId.get(requested);
    if (node === undefined || shown.current === requested) return;
    shown.current = requested;
    show(node);
  }, [byId, chosen, show, start]);
  const pick = useCallback(
    (id: string | undefined) => {
      shown.current = id ?? shown.current;
      choose(id);
    },
    [choose],
  );
  const press = (event: KeyboardEvent) => {
    const node = chosen === undefined ? undefined : byId.get(chosen);
    if (event.key === '+' || event.key === '=') zoomBy(1);
    else if (event.key === '-') zoomBy(-1);
    else if (event.key === '0') fit();
    else if (event.key === 'Enter' && node?.group === true) fold(node.id, !node.open);
    else if (event.key === 'Escape' && node !== undefined) pick(undefined);
    else {
      const next = nodeInDirection(layout, node, event.key);
      if (next === undefined) return;
      pick(next.id);
      show(next);
      // Removing a button that scrolled out of view would remove the focus.
      scroller.current?.focus({ preventScroll: true });
    }
    event.preventDefault();
  };
  const far = scale < READABLE;
  const content = chosen === undefined ? undefined : contentOf(chosen);
  return (
    <div className="graph">
      <div className="graph-tools">
        <ActionIcon aria-label="Zoom out" onClick={() => zoomBy(-1)} disabled={scale === ZOOMS[0]}>
          <Icon name="minus" />
        </ActionIcon>
        <span className="graph-zoom">{Math.round(scale * 100)} %</span>
        <ActionIcon aria-label="Zoom in" onClick={() => zoomBy(1)} disabled={scale === ZOOMS.at(-1)}>
          <Icon name="plus" />
        </ActionIcon>
        <Button variant="default" size="compact-xs" onClick={fit}>
          Fit to view
        </Button>
      </div>
      <div
        ref={scroller}
        className="graph-scroll"
        role="group"
        aria-label={label}
        aria-describedby="graph-keys"
        tabIndex={0}
        onScroll={measure}
        onKeyDown={press}
      >
        <div className="graph-room" style={{ width, height }}>
          {seen !== undefined && far && (
            <GraphOverview
              layout={layout}
              contentOf={contentOf}
              chosen={chosen}
              scale={scale}
              margin={MARGIN}
              scroller={scroller}
              choose={pick}
            />
          )}
          {seen !== undefined && !far && (
            <div className="graph-world" style={{ transform: `scale(${scale}) translate(${MARGIN}px, ${MARGIN}px)` }}>
              <Near layout={layout} seen={seen} contentOf={contentOf} chosen={chosen} choose={pick} fold={fold} />
            </div>
          )}
        </div>
      </div>
      <p id="graph-keys" className="out-of-sight">
        Use the arrow keys to move between nodes, Enter to expand or collapse a group, plus and minus to zoom, 0 to fit.
      </p>
      <p role="status" className="out-of-sight">
        {content === undefined
          ? ''
          : `${content.title}, ${content.word}${content.note === undefined ? '' : `, ${content.note}`}`}
      </p>
    </div>
  );
}

interface NearProps extends Pick<GraphViewProps, 'layout' | 'contentOf' | 'chosen' | 'choose' | 'fold'> {
  readonly seen: Seen;
}

/** Elements near the visible area. */
function Near({ layout, seen, contentOf, chosen, choose, fold }: NearProps) {
  const nodes = useMemo(() => layout.nodes.filter((node) => isSeen(node, seen)), [layout, seen]);
  const lines = useMemo(
    () =>
      layout.lines
        .filter(({ points }) => isSeen(boxOf(points), seen))
        .map(({ from, to, points }) => ({ from, to, path: linePath(points) })),
    [layout, seen],
  );
  return (
    <>
      {/* Groups below their lines, boxes above. */}
      {nodes
        .filter(({ open }) => open)
        .map((node) => (
          <GraphBox
            key={node.id}
            node={node}
            content={contentOf(node.id)}
            chosen={node.id === chosen}
            choose={choose}
            fold={fold}
          />
        ))}
      <svg className="graph-lines" width={layout.width} height={layout.height} aria-hidden="true">
        {lines.map(({ from, to, path }) => (
          <path key={`${from} ${to}`} d={path} data-chosen={from === chosen || to === chosen || undefined} />
        ))}
      </svg>
      {nodes
        .filter(({ open }) => !open)
        .map((node) => (
          <GraphBox
            key={node.id}
            node={node}
            content={contentOf(node.id)}
            chosen={node.id === chosen}
            choose={choose}
            fold={fold}
          />
        ))}
    </>
  );
}

function same(a: Seen, b: Seen): boolean {
  return a.left === b.left && a.top === b.top && a.right === b.right && a.bottom === b.bottom;
}

function bringIntoView(element: HTMLElement, { x, y, width, height }: PlacedNode, scale: number): void {
  const [left, top] = [(x + MARGIN) * scale, (y + MARGIN) * scale];
  const inside =
    left >= element.scrollLeft &&
    top >= element.scrollTop &&
    left + width * scale <= element.scrollLeft + element.clientWidth &&
    top + Math.min(height, element.clientHeight) * scale <= element.scrollTop + element.clientHeight;
  if (inside) return;
  element.scrollTo(
    left + (width * scale) / 2 - element.clientWidth / 2,
    top + (Math.min(height, element.clientHeight) * scale) / 2 - element.clientHeight / 2,
  );
}
