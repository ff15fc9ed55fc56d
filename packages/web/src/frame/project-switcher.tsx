import { findKind, projectKind } from '@dais/api';
import { useNavigate } from '@tanstack/react-router';
import { eventsAddress, listAddress, resourceAddress } from '#addresses.ts';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { readAction, useMay } from '#server/own-access.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { Menu } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import './project-switcher.css';

/** Opens the list of the same kind in the other project; on other pages, only the rail changes. */
export function ProjectSwitcher() {
  const project = useCurrentProject();
  return (
    <Menu position="bottom-start" width={260}>
      <Menu.Target>
        <button type="button" className="switcher">
          <span className="dim">project</span>
          <span className="switcher-name">{project}</span>
          <span className="out-of-sight">: switch project</span>
          <Icon name="down" />
        </button>
      </Menu.Target>
      <Menu.Dropdown className="switcher-list">
        <Projects project={project} />
      </Menu.Dropdown>
    </Menu>
  );
}

/** Read when the menu opens. */
function Projects({ project }: { readonly project: string }) {
  const navigate = useNavigate();
  const may = useMay(project);
  return (
    <>
      {may(readAction(projectKind)) === true ? (
        <ProjectItems project={project} />
      ) : (
        <Menu.Label>You have access to no project yet.</Menu.Label>
      )}
      <Menu.Divider />
      <Menu.Item onClick={() => void navigate(resourceAddress(projectKind, project, project))}>
        Settings of {project}
      </Menu.Item>
      <Menu.Item onClick={() => void navigate(listAddress(projectKind, project))}>All projects</Menu.Item>
    </>
  );
}

function ProjectItems({ project }: { readonly project: string }) {
  const navigate = useNavigate();
  const { plural } = useAddressFields();
  const { rows } = useLiveList(projectKind, undefined, '');
  const kind = plural === undefined ? undefined : findKind(plural);
  const choose = (name: string) =>
    void navigate(kind?.scope === 'project' ? listAddress(kind, name) : eventsAddress(name));
  return (rows ?? []).map(({ metadata }) => (
    <Menu.Item
      key={metadata.name}
      onClick={() => choose(metadata.name)}
      rightSection={metadata.name === project ? <Icon name="check" /> : undefined}
    >
      {metadata.name}
    </Menu.Item>
  ));
}
