import type { StartupKeep } from '../shared/startup-keep.ts';

/** Where a run keeps what a server said in an earlier run, among its attachments. */
export const startupFile: StartupKeep['fileOf'] = ({ role, host }) => `server-startup.${role}.${host}.log`;
