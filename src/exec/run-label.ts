/** The environment variable that every process of a run carries; its value is the run's id. */
export const RUN_LABEL = 'ASSAY_RUN_ID';

/** The label that every container of a run carries; its value is the run's id. */
export const CONTAINER_LABEL = 'assay.run_id';
