import type { Pool } from '../cluster/pool.ts';
import type { Cell } from '../config/cell.ts';
import { checkGpuName } from '../config/checks/check-gpu-name.ts';
import type { CellsOfConfig } from '../config/checks/clashes.ts';
import { place } from '../config/issues/issues.ts';
import type { FrameworkSpec } from '../config/schema/framework.ts';
import type { Problem } from '../config/yaml/problem.ts';
import { groupBy } from '../core/group-by.ts';
import { mistakeInSecret } from '../core/secret.ts';
import { missingPaths } from './missing-paths.ts';
import type { Lack } from './missing-paths.ts';

/** A cell as far as it is planned. */
interface Candidate {
  readonly cell: Cell;
  /** Why it does not run here; null when it does. */
  readonly skip: object | null;
}

/** What a session is about to run, and where. */
interface Session {
  readonly configs: readonly Pick<CellsOfConfig, 'source' | 'workload'>[];
  /** Those that are asked for. */
  readonly cells: readonly Candidate[];
  readonly pool: Pool;
  readonly specs: readonly FrameworkSpec[];
  /** Where the files lie that the configs of a folder name. */
  readonly filesOf: (configFolder: string) => string;
}

/**
 * What would end the runs of a session in their setup, as far as this machine can tell before one starts: a doubt, for
 * runs may start elsewhere, and later. Each config is looked at once, whatever the number of its cells; what several
 * configs lack is said at the first of them.
 */
export function preflight({ configs, cells, pool, specs, filesOf }: Session): readonly Problem[] {
  const asked = new Set(cells.map(({ cell }) => cell.workload));
  const runnable = new Map(cells.flatMap(({ cell, skip }) => (skip === null ? [[cell.workload, cell] as const] : [])));
  const labels = pool.nodes.flatMap((node) => node.labels ?? []);
  const slips = configs
    .filter(({ workload }) => asked.has(workload))
    .flatMap(({ source, workload }) => checkGpuName(workload, labels).map((doubt) => place(source, doubt)));
  const lacks = configs.flatMap(({ source, workload }) => {
    const cell = runnable.get(workload);
    if (cell === undefined) return [];
    const spec = specs.find(({ name }) => name === workload.framework);
    const here = { folder: filesOf(cell.configFolder), pathParams: spec?.pathParams ?? [] };
    const paths = pool.executor === 'local' ? missingPaths(cell, here) : [];
    return [...unsetSecrets(cell), ...paths].map((lack) => ({ ...lack, source }));
  });
  const said = [...groupBy(lacks, ({ what }) => what).values()].flatMap((alike) => {
    const [first] = alike;
    const others = new Set(alike.map(({ source }) => source)).size - 1;
    return first === undefined ? [] : [place(first.source, { ...first, message: `${first.message}${also(others)}` })];
  });
  return [...slips, ...said];
}

function also(others: number): string {
  if (others === 0) return '';
  return others === 1 ? ', and 1 more config needs it' : `, and ${others} more configs need it`;
}

/** The variables that secrets are taken from and that hold none here. */
function unsetSecrets({ workload }: Cell): readonly Lack[] {
  return Object.entries(workload.secrets).flatMap(([label, { env_var: variable }]) => {
    const mistake = mistakeInSecret(process.env[variable]);
    if (mistake === null) return [];
    const message = `${variable} ${mistake} in this environment`;
    const hint = 'set it where the run starts: without it every launch is a setup_failure';
    return [{ what: `variable ${variable}`, path: ['secrets', label, 'env_var'], message, hint }];
  });
}
