import { UNREAD_COUNTED } from '@dais/api/tracking';
import { Link } from '@tanstack/react-router';
import { mentionsAddress } from '#addresses.ts';
import { useUnread } from '#pages/mentions/use-mentions.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Tooltip } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';

/**
 * Links to the comments that mention the viewer, with the number of unread ones. Renders nothing for a viewer without
 * an inbox.
 */
export function InboxLink() {
  const project = useCurrentProject();
  const unread = useUnread(project);
  if (unread === undefined) return null;
  const count = `${unread}${unread >= UNREAD_COUNTED ? '+' : ''}`;
  const label = `Mentions: ${unread === 0 ? 'none unread' : `${count} unread`}`;
  return (
    <Tooltip label={label}>
      <Link {...mentionsAddress(project)} className="bar-inbox" aria-label={label}>
        <Icon name="at" />
        {unread > 0 && <span className="bar-count">{count}</span>}
      </Link>
    </Tooltip>
  );
}
