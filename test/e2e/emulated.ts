import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Project, REPOSITORY } from './project.ts';

/** Where the emulated programs are: nothing that they print or write says anything of performance. */
const EMULATORS = join(REPOSITORY, 'fixtures/emulators');

/** What the host itself has: the tool that says which GPUs there are. */
export const HOST_TOOLS = join(EMULATORS, 'host');

const CONFIGS = join(EMULATORS, 'configs');

/** The emulated configs there are, by their file names without an end. */
export const EMULATED: readonly string[] = readdirSync(CONFIGS)
  .filter((name) => name.endsWith('.yaml') && name !== 'cluster.yaml')
  .map((name) => name.slice(0, -'.yaml'.length));

/** How a project of emulated configs differs from the plain one. */
export interface EmulatedOptions {
  /** Which of the configs. Default: all. */
  readonly only?: readonly string[];
  /** What goes wrong: `nan_at_step=5`. */
  readonly emulate?: string;
  /** Further files; one of the same path takes the place of ours. */
  readonly files?: Readonly<Record<string, string>>;
  /** Changes the text of every config. */
  readonly change?: (config: string, name: string) => string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that go in front of the `PATH`, before those of the emulation. */
  readonly bin?: readonly string[];
}

/** A project whose frameworks are emulated by programs on this machine, on nodes that are loopback addresses of it. */
export function emulatedProject(options: EmulatedOptions = {}): Project {
  const { only = EMULATED, emulate = '', files = {}, change = (config) => config, env = {}, bin = [] } = options;
  const configs = only.map((name) => [`configs/${name}.yaml`, change(emulatedConfig(name), name)]);
  return new Project(
    { ...Object.fromEntries(configs), 'cluster.yaml': emulatedConfig('cluster'), ...files },
    {
      ASSAY_CLUSTER: 'cluster.yaml',
      EMULATE: emulate,
      PATH: [...bin, join(EMULATORS, 'bin'), HOST_TOOLS, process.env['PATH']].join(delimiter),
      ...env,
    },
  );
}

/** The text of one of the configs. */
export function emulatedConfig(name: string): string {
  return readFileSync(join(CONFIGS, `${name}.yaml`), 'utf8');
}
