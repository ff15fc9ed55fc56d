import { useEffect, useRef } from 'react';

export interface Shortcut {
  /** `?`, `mod+k` (Ctrl, or ⌘ on Apple's), or two keys one after the other: `g h`. */
  readonly keys: string;
  readonly title: string;
  readonly run: () => void;
  /** Also while the user types into a field. */
  readonly everywhere?: boolean;
}

/** Between the two keys of a sequence. */
const SEQUENCE_MS = 1200;

/** Listens while the component is mounted. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  const current = useRef(shortcuts);
  useEffect(() => {
    current.current = shortcuts;
  });
  useEffect(() => {
    let before = { key: '', at: 0 };
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.altKey) return;
      const typing = isTyping(event.target);
      const pressed = (event.ctrlKey || event.metaKey ? 'mod+' : '') + event.key;
      const sequence = event.timeStamp - before.at < SEQUENCE_MS ? `${before.key} ${event.key}` : '';
      const found = current.current.find(
        ({ keys, everywhere }) => (keys === pressed || keys === sequence) && (!typing || everywhere === true),
      );
      before = typing ? { key: '', at: 0 } : { key: event.key, at: event.timeStamp };
      if (found === undefined) return;
      event.preventDefault();
      before = { key: '', at: 0 };
      found.run();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, []);
}

/** Dialogs and menus have their own keys. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.closest('input, textarea, select, [role="dialog"], [role="menu"], [role="listbox"]') !== null
  );
}
