import { isAbsolute, resolve } from 'node:path';
import type { Scalar } from '../../config/schema/framework.ts';
import type { RunRequest } from '../../lifecycle/adapter.ts';
import type { Place } from '../../lifecycle/launch.ts';
import { flagWords } from '../shared/flag-words.ts';
import { STAMPS_IN_UTC } from '../shared/local-stamps.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { torchrunWords } from '../shared/torchrun.ts';
import { OPTIONS, torchtitanParams } from './params.ts';
import type { TorchtitanParams } from './params.ts';

const WORKER = 'worker';
const CONVERTER = 'quantize.linear.float8';

/** Decides how torchtitan is launched: torchrun on every node, with one process per GPU. */
export function planTorchtitan(request: RunRequest, scratch: string): ProgramPlan {
  const { cell, hosts } = request;
  const params = torchtitanParams.parse(cell.params);
  const nodes = hosts[WORKER]?.length ?? 1;
  const gpusPerNode = cell.topology.roles[WORKER]?.gpus_per_node ?? 1;
  const lossRank = rankOfLoss(params, nodes * gpusPerNode);
  const training = [
    ...configWords(params, cell.configFolder),
    ...optionWords({
      [params.config_file === undefined ? 'dump_folder' : 'job.dump_folder']: scratch,
      'metrics.disable_color_printing': true,
      'debug.seed': cell.workload.seed,
      ...optionsOf(params),
      ...params.extra_args,
    }),
  ];
  const launcher = (place: Place): readonly string[] => [
    ...torchrunWords(request, { role: WORKER, perNode: gpusPerNode }, place),
    ...flagWords({
      // Of each node one rank prints, among them the one that knows the loss.
      'local-ranks-filter': Math.floor(lossRank / gpusPerNode) === place.index ? lossRank % gpusPerNode : 0,
      role: 'rank',
      tee: 3,
    }),
  ];
  return {
    servers: [],
    workers: [
      {
        role: WORKER,
        after: [],
        command: (place) => ({
          file: 'torchrun',
          args: [...launcher(place), '-m', 'torchtitan.train', ...training],
          env: { LOG_RANK: String(lossRank), PYTHONUNBUFFERED: '1', ...STAMPS_IN_UTC },
          reads: readFiles(params, cell.configFolder),
          writes: [scratch],
        }),
        readiness: { kind: 'started' },
      },
    ],
    results: [],
  };
}

/** The first rank of the last stage of the pipeline: those before it do not know the loss. */
function rankOfLoss({ pipeline_parallel_degree: stages }: TorchtitanParams, ranks: number): number {
  return (ranks / stages) * (stages - 1);
}

function configWords(params: TorchtitanParams, folder: string): readonly string[] {
  const { config_file: file, module = '', config = '' } = params;
  if (file === undefined) return ['--module', module, '--config', config];
  return ['--job.config_file', readFiles(params, folder)[0] ?? file];
}

/** A file beside the config is named from there; one of an image by its absolute path, or from torchtitan's own folder. */
function readFiles({ config_file: file }: TorchtitanParams, folder: string): readonly string[] {
  if (file === undefined || isAbsolute(file) || !/^\.\.?\//.test(file)) return [];
  return [resolve(folder, file)];
}

function optionsOf(params: TorchtitanParams): Readonly<Record<string, Scalar>> {
  const own = Object.entries(OPTIONS).flatMap(([name, option]) => {
    const value = params[name as keyof typeof OPTIONS];
    return value === undefined ? [] : [[option, value] as const];
  });
  const float8 =
    params.float8 === undefined ? {} : { 'model.converters': CONVERTER, [`${CONVERTER}.recipe_name`]: params.float8 };
  return { ...Object.fromEntries(own), ...float8 };
}

/** Options as words of a command line; torchtitan negates a flag behind its section, `--compile.no-enable`. */
export function optionWords(options: Readonly<Record<string, Scalar>>): readonly string[] {
  return Object.entries(options).map(([name, value]) => {
    if (typeof value !== 'boolean') return `--${name}=${value}`;
    return value ? `--${name}` : `--${name.replace(/[^.]+$/, 'no-$&')}`;
  });
}
