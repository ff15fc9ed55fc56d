import { Link } from '@tanstack/react-router';
import { ConnectionSign } from './connection-sign.tsx';
import { InboxLink } from './inbox-link.tsx';
import { Mark } from './mark.tsx';
import { ProjectSwitcher } from './project-switcher.tsx';
import { PersonMenu } from '#pages/account/person-menu.tsx';
import { ActionIcon, Tooltip } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import { useTheme } from '#ui/use-theme.ts';

export interface BarProps {
  readonly openPalette: () => void;
  readonly openHelp: () => void;
}

export function Bar({ openPalette, openHelp }: BarProps) {
  const { shown, toggle } = useTheme();
  const theme = shown === 'dark' ? 'Use light theme' : 'Use dark theme';
  return (
    <header className="bar">
      <Link to="/" className="brand" aria-label="Dais, home">
        <Mark />
        <span className="brand-word">dais</span>
      </Link>
      <ProjectSwitcher />
      <button type="button" className="bar-search" onClick={openPalette}>
        <Icon name="search" />
        <span>Search or run a command</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="bar-end">
        <ConnectionSign />
        <InboxLink />
        <Tooltip label={theme}>
          <ActionIcon aria-label={theme} onClick={toggle}>
            <Icon name={shown === 'dark' ? 'sun' : 'moon'} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Keyboard shortcuts">
          <ActionIcon aria-label="Keyboard shortcuts" onClick={openHelp}>
            <Icon name="help" />
          </ActionIcon>
        </Tooltip>
        <PersonMenu />
      </div>
    </header>
  );
}
