import type { StartupKeep } from '../shared/startup-keep.ts';

/** Where a run keeps what its server said in an earlier run, among its attachments. */
export const startupFile: StartupKeep['fileOf'] = ({ host }) => `server-startup.${host}.log`;
