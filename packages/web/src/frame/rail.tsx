import { datasetKind, kinds, type KindSpec } from '@dais/api';
import { modelKind } from '@dais/api/registry';
import { featureViewKind } from '@dais/api/data';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import {
  accessAddress,
  auditAddress,
  nodesAddress,
  batchesAddress,
  eventsAddress,
  executionsAddress,
  experimentsAddress,
  labelsAddress,
  lineageAddress,
  listAddress,
  namedListAddress,
  predictionsAddress,
  promptsAddress,
  tracesAddress,
  usageAddress,
} from '#addresses.ts';
import { heading, plural } from '#kinds/kind-words.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { ActionIcon } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';

export interface RailProps {
  readonly folded: boolean;
  readonly fold: () => void;
}

export function Rail({ folded, fold }: RailProps) {
  const project = useCurrentProject();
  return (
    <nav className="rail" aria-label="Pages">
      <ul>
        <li>
          <Link to="/" title="Home" activeOptions={{ exact: true }}>
            <Icon name="home" />
            <span className="rail-word">Home</span>
          </Link>
        </li>
        <li>
          <Link {...eventsAddress(project)} title="Events">
            <Icon name="events" />
            <span className="rail-word">Events</span>
          </Link>
        </li>
        <li>
          <Link {...listAddress(datasetKind, project)} title="Datasets" activeOptions={{ includeSearch: false }}>
            <Icon name="table" />
            <span className="rail-word">Datasets</span>
          </Link>
        </li>
        <li>
          <Link {...listAddress(featureViewKind, project)} title="Features" activeOptions={{ includeSearch: false }}>
            <Icon name="columns" />
            <span className="rail-word">Features</span>
          </Link>
        </li>
        <li>
          <Link {...labelsAddress(project)} title="Labeling" activeOptions={{ includeSearch: false }}>
            <Icon name="tag" />
            <span className="rail-word">Labeling</span>
          </Link>
        </li>
        <li>
          <Link {...experimentsAddress(project)} title="Experiments" activeOptions={{ includeSearch: false }}>
            <Icon name="flask" />
            <span className="rail-word">Experiments</span>
          </Link>
        </li>
        <li>
          <Link {...executionsAddress(project)} title="Jobs" activeOptions={{ includeSearch: false }}>
            <Icon name="graph" />
            <span className="rail-word">Jobs</span>
          </Link>
        </li>
        <li>
          <Link {...listAddress(modelKind, project)} title="Models" activeOptions={{ includeSearch: false }}>
            <Icon name="cube" />
            <span className="rail-word">Models</span>
          </Link>
        </li>
        <li>
          <Link {...namedListAddress('Endpoint', project)} title="Endpoints" activeOptions={{ includeSearch: false }}>
            <Icon name="plug" />
            <span className="rail-word">Endpoints</span>
          </Link>
        </li>
        <li>
          <Link {...predictionsAddress(project)} title="Predictions" activeOptions={{ includeSearch: false }}>
            <Icon name="answers" />
            <span className="rail-word">Predictions</span>
          </Link>
        </li>
        <li>
          <Link {...batchesAddress(project)} title="Batch jobs" activeOptions={{ includeSearch: false }}>
            <Icon name="table" />
            <span className="rail-word">Batch jobs</span>
          </Link>
        </li>
        <li>
          <Link {...namedListAddress('Monitor', project)} title="Monitors" activeOptions={{ includeSearch: false }}>
            <Icon name="pulse" />
            <span className="rail-word">Monitors</span>
          </Link>
        </li>
        <li>
          <Link {...promptsAddress(project)} title="Prompts" activeOptions={{ includeSearch: false }}>
            <Icon name="bubble" />
            <span className="rail-word">Prompts</span>
          </Link>
        </li>
        <li>
          <Link {...tracesAddress(project)} title="Traces" activeOptions={{ includeSearch: false }}>
            <Icon name="waterfall" />
            <span className="rail-word">Traces</span>
          </Link>
        </li>
        <li>
          <Link {...lineageAddress(project)} title="Lineage" activeOptions={{ includeSearch: false }}>
            <Icon name="branch" />
            <span className="rail-word">Lineage</span>
          </Link>
        </li>
      </ul>
      <h2>Governance</h2>
      <ul>
        <li>
          <Link {...accessAddress(project)} title="Access" activeOptions={{ includeSearch: false }}>
            <Icon name="key" />
            <span className="rail-word">Access</span>
          </Link>
        </li>
        <li>
          <Link {...auditAddress(project)} title="Audit" activeOptions={{ includeSearch: false }}>
            <Icon name="seal" />
            <span className="rail-word">Audit</span>
          </Link>
        </li>
        <li>
          <Link {...usageAddress(project)} title="Usage" activeOptions={{ includeSearch: false }}>
            <Icon name="columns" />
            <span className="rail-word">Usage</span>
          </Link>
        </li>
      </ul>
      <KindLinks title="Kinds of this project" scope="project" project={project} />
      <KindLinks title="Organization" scope="org" project={project}>
        <li>
          <Link {...nodesAddress()} title="Nodes">
            <Icon name="plug" />
            <span className="rail-word">Nodes</span>
          </Link>
        </li>
      </KindLinks>
      <div className="rail-fold">
        <ActionIcon aria-label={folded ? 'Expand the navigation' : 'Collapse the navigation'} onClick={fold}>
          <Icon name={folded ? 'right' : 'left'} />
        </ActionIcon>
      </div>
    </nav>
  );
}

/** Kinds with pages in the upper groups. */
const ABOVE = new Set([modelKind.kind, datasetKind.kind, featureViewKind.kind, 'Endpoint', 'Monitor'].map(String));

interface KindLinksProps {
  readonly title: string;
  readonly scope: KindSpec['scope'];
  readonly project: string;
  /** Links in addition to those of kinds. */
  readonly children?: ReactNode;
}

function KindLinks({ title, scope, project, children }: KindLinksProps) {
  return (
    <>
      <h2>{title}</h2>
      <ul>
        {kinds
          .filter((kind) => kind.scope === scope && !ABOVE.has(kind.kind))
          .map((kind) => {
            const words = heading(plural(kind).replace(/^organization /, ''));
            return (
              <li key={kind.kind}>
                <Link {...listAddress(kind, project)} title={words}>
                  <span className="rail-initials" aria-hidden="true">
                    {initials(kind.kind)}
                  </span>
                  <span className="rail-word">{words}</span>
                </Link>
              </li>
            );
          })}
        {children}
      </ul>
    </>
  );
}

/** `AC` for AlertChannel, `Se` for Secret, `RB` for OrganizationRoleBinding, whose heading names the organization. */
function initials(kind: string): string {
  const own = kind.replace(/^Organization/, '');
  const capitals = own.replaceAll(/[a-z]/g, '');
  return capitals.length > 1 ? capitals.slice(0, 2) : own.slice(0, 2);
}
