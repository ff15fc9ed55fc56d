import { Outlet } from '@tanstack/react-router';
import { lazy, Suspense, useRef, useState } from 'react';
import { Bar } from './bar.tsx';
import { Rail } from './rail.tsx';
import { useShortcuts, type Shortcut } from '#ui/use-shortcuts.ts';
import { useFrameShortcuts } from './frame-shortcuts.ts';
import './frame.css';

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }));
const ShortcutsHelp = lazy(async () => ({ default: (await import('./shortcuts-help.tsx')).ShortcutsHelp }));

const RAIL = 'dais.rail';

/** The frame around every page. */
export function Frame() {
  const [rail, setRail] = useState(() => localStorage.getItem(RAIL) ?? 'open');
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const content = useRef<HTMLElement>(null);
  const fold = () => {
    const next = rail === 'open' ? 'closed' : 'open';
    localStorage.setItem(RAIL, next);
    setRail(next);
  };
  const own: readonly Shortcut[] = [
    { keys: 'mod+k', title: 'Search or run a command', run: () => setPalette(true), everywhere: true },
    { keys: '?', title: 'Show keyboard shortcuts', run: () => setHelp(true) },
    { keys: '[', title: 'Collapse or expand the navigation', run: fold },
  ];
  const shortcuts = [...own, ...useFrameShortcuts()];
  useShortcuts(shortcuts);
  return (
    <div className="frame" data-rail={rail}>
      <nav aria-label="Skip">
        <a
          className="skip"
          href="?"
          onClick={(event) => {
            event.preventDefault();
            content.current?.focus();
          }}
        >
          Skip to content
        </a>
      </nav>
      <Bar openPalette={() => setPalette(true)} openHelp={() => setHelp(true)} />
      <Rail folded={rail === 'closed'} fold={fold} />
      <main className="content" ref={content} tabIndex={-1}>
        <Outlet />
      </main>
      <Suspense>
        {palette && <Palette close={() => setPalette(false)} showShortcuts={() => setHelp(true)} />}
        {help && <ShortcutsHelp shortcuts={shortcuts} close={() => setHelp(false)} />}
      </Suspense>
    </div>
  );
}
