import type { Shortcut } from '#ui/use-shortcuts.ts';
import { Modal } from '#ui/controls.ts';
import './shortcuts-help.css';

/** Keys that pages and tables handle themselves. */
const ON_PAGES = [
  { keys: 'j k', title: 'Move to the next or previous row of a table' },
  { keys: 'Enter', title: 'Open the selected row' },
  { keys: '/', title: 'Filter the list' },
  { keys: 'c', title: 'Create a resource (on a list)' },
  { keys: 'e', title: 'Edit the resource' },
  { keys: 'mod+Enter', title: 'Show the plan, then apply (in the editor)' },
  { keys: 'Esc', title: 'Close the dialog or panel' },
] as const;

export interface ShortcutsHelpProps {
  readonly shortcuts: readonly Shortcut[];
  readonly close: () => void;
}

export function ShortcutsHelp({ shortcuts, close }: ShortcutsHelpProps) {
  return (
    <Modal opened onClose={close} title="Keyboard shortcuts" size="md">
      <dl className="shortcuts">
        {[...shortcuts, ...ON_PAGES].map(({ keys, title }) => (
          <div key={keys}>
            <dt>
              {keys.split(/[ +]/).map((key) => (
                <kbd key={key}>{key === 'mod' ? 'Ctrl' : key}</kbd>
              ))}
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
