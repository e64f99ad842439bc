/** The environment variable that every process of a run carries; its value is the run's id. */
export const RUN_LABEL = 'ASSAY_RUN_ID';

/**
 * The variable that every process of this machine carries that only serves to reach a host of a run, such as
 * ssh: where that host is this machine too, it is not to be taken for one of the run's own.
 */
export const CLIENT_LABEL = 'ASSAY_CLIENT_OF';

/** The variable that a job host and what it starts on this machine carry; its value is the id of its first run. */
export const JOB_HOST_LABEL = 'ASSAY_JOB_HOST';

/** The label that every container of a run carries; its value is the run's id. */
export const CONTAINER_LABEL = 'assay.run_id';
