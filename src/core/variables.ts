/** The environment variables that people set to tell Assay something. Those that Assay sets itself are not among them. */
export const VARIABLES = {
  configs: 'ASSAY_CONFIGS',
  cluster: 'ASSAY_CLUSTER',
  set: 'ASSAY_SET',
  onlyCells: 'ASSAY_ONLY_CELLS',
  reuse: 'ASSAY_REUSE',
  lockFolder: 'ASSAY_LOCK_FOLDER',
} as const;

/** Whether somebody named configs in the environment, or `assay --configs` did. */
export function namesConfigs(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env[VARIABLES.configs] ?? '') !== '';
}
