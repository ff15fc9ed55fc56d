import type { ModelVersion } from '@dais/api';
import { Link } from '@tanstack/react-router';
import { RunLink } from './versions-tab.tsx';
import type { VersionFacts } from './use-version-facts.ts';
import { runAddress } from '#addresses.ts';

export interface VersionStripProps {
  readonly project: string;
  readonly version: ModelVersion;
  readonly facts: VersionFacts;
}

/** From what it was made, and what it is called now. */
export function VersionStrip({ project, version, facts }: VersionStripProps) {
  const datasets = facts.run?.datasets ?? [];
  return (
    <>
      {version.runId !== undefined && (
        <span>
          from{' '}
          {datasets.slice(0, 3).map(({ dataset: { name, digest } }) => (
            <span key={`${name} ${digest}`} title={digest}>
              <Link {...runAddress(project, version.runId ?? '')} search={{ tab: 'about' }}>
                {name}@{digest.slice(0, 8)}
              </Link>{' '}
              →{' '}
            </span>
          ))}
          run <RunLink project={project} version={version} />
          {facts.run !== undefined && <> {facts.run.name}</>}
        </span>
      )}
      <span>
        to{' '}
        {version.aliases.length === 0
          ? 'no alias'
          : version.aliases.map((alias) => (
              <span key={alias} className="label-chip">
                {alias}
              </span>
            ))}
      </span>
    </>
  );
}
