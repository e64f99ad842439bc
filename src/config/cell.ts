import type { Scalar } from './schema/framework.ts';
import type { Workload } from './schema/schema.ts';
import type { Tag } from './tags.ts';
import type { Threshold } from './threshold.ts';
import type { Topology, TopologyKind } from './schema/topology.ts';

/** One point of a config's sweep, fully resolved: everything a run needs except the nodes. */
export interface Cell {
  /** `<test_id>/<cell_id>`: unique among the loaded configs. */
  readonly key: string;
  readonly cellId: string;
  /** The config file as the user named it. */
  readonly configFile: string;
  /** Absolute folder of the config file: relative paths in the config start here. */
  readonly configFolder: string;
  readonly workload: Workload;
  readonly axes: Readonly<Record<string, Scalar>>;
  readonly params: Readonly<Record<string, unknown>>;
  readonly topology: Topology;
  readonly topologyKind: TopologyKind;
  /** The thresholds that apply to this cell, each with the line that declares it. */
  readonly thresholds: readonly CellThreshold[];
  readonly tags: readonly Tag[];
  readonly bracket: string;
}

/** A threshold and where it was written. */
export interface CellThreshold {
  readonly threshold: Threshold;
  /** `file:line` */
  readonly source: string;
}
