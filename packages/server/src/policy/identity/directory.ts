/** Provides facts about users and service accounts to policies: their resources and teams. */
import type { Sql } from '#engines/database/contract.ts';
import { listResources, readResource, type ResourceRow } from '#kernel/store.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { PrincipalFacts, PrincipalSource } from '#policy/principal-source.ts';
import { provisionedGroups } from '#policy/provisioning/group-names.ts';
import { readVersion } from '#policy/state.ts';

interface TeamSpec {
  readonly members?: readonly string[];
  readonly serviceAccounts?: readonly string[];
  readonly groups?: readonly { readonly provider: string; readonly group: string }[];
}

interface Team {
  readonly name: string;
  readonly users: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  /** `provider` and `group`, as JSON. */
  readonly groups: ReadonlySet<string>;
}

/** Rows of one page. */
const PAGE = 1000;

export class AccountDirectory implements PrincipalSource {
  #teams: { readonly version: bigint; readonly all: readonly Team[] } | undefined;

  async read(type: 'user' | 'service', name: string, sql: Sql): Promise<PrincipalFacts | undefined> {
    return await inOrganization(sql, async () => {
      const row = await readResource(sql, ORGANIZATION, type === 'user' ? 'User' : 'ServiceAccount', name);
      if (row === undefined || row.deletion_at !== null) return undefined;
      const spec = row.spec as { email?: string; suspended?: boolean; clearance?: number };
      const reported = type === 'user' ? await groupsOf(row, sql) : [];
      const teams = (await this.#allTeams(sql)).filter(({ users, services, groups }) =>
        type === 'user' ? users.has(name) || reported.some((group) => groups.has(group)) : services.has(name),
      );
      return {
        uid: row.uid,
        name: row.name,
        ...(spec.email !== undefined && { email: spec.email }),
        suspended: spec.suspended === true,
        clearance: spec.clearance ?? 0,
        teams: teams.map((team) => team.name),
      };
    });
  }

  async #allTeams(sql: Sql): Promise<readonly Team[]> {
    const version = await readVersion(sql);
    if (this.#teams?.version === version) return this.#teams.all;
    const all: Team[] = [];
    for (let after = '', full = true; full;) {
      const rows = await listResources(sql, {
        projectId: ORGANIZATION,
        kind: 'Team',
        after,
        limit: PAGE,
        equal: {},
        notEqual: [],
        present: [],
        absent: [],
      });
      all.push(...rows.filter((row) => row.deletion_at === null).map(teamOf));
      after = rows.at(-1)?.name ?? after;
      full = rows.length === PAGE;
    }
    this.#teams = { version, all };
    return all;
  }
}

function teamOf(row: ResourceRow): Team {
  const { members = [], serviceAccounts = [], groups = [] } = row.spec as TeamSpec;
  return {
    name: row.name,
    users: new Set(members),
    services: new Set(serviceAccounts),
    groups: new Set(groups.map(({ provider, group }) => JSON.stringify([provider, group]))),
  };
}

/** Groups that the provider provisions replace those that it reported at the last sign-in. */
async function groupsOf(row: ResourceRow, sql: Sql): Promise<readonly string[]> {
  const provisioned = await provisionedGroups(sql, row.uid);
  const groups = provisioned?.groups.map((group) => JSON.stringify([provisioned.provider, group])) ?? [];
  return provisioned?.authoritative === true ? groups : [...groups, ...reportedGroups(row)];
}

/** Groups apply only together with the provider that reported them. */
function reportedGroups({ status }: ResourceRow): readonly string[] {
  const { provider, groups = [] } = status as { provider?: string; groups?: readonly string[] };
  return provider === undefined ? [] : groups.map((group) => JSON.stringify([provider, group]));
}

/** Reads rows of the organization in a transaction that can be bound to a project, then restores the binding. */
async function inOrganization<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  const [row] = await sql.query<{ home: string | null; set_config: string }>(
    "select current_setting('dais.project', true) as home, set_config('dais.project', $1, true)",
    [ORGANIZATION],
    'enter_organization',
  );
  const result = await work();
  await sql.query("select set_config('dais.project', $1, true)", [row?.home ?? ''], 'enter_project');
  return result;
}
