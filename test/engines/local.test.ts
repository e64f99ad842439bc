import { localCarrier, localExecutor } from '../../src/exec/local.ts';
import { remoteExecutor } from '../../src/exec/remote.ts';
import { describeConformance } from './conformance.ts';

const missing = process.platform === 'linux' ? null : 'only Linux shows the environment of a process';

describeConformance('localExecutor', {
  missing,
  open: async () => localExecutor('localhost'),
  close: async () => undefined,
});

describeConformance('remoteExecutor over a shell of this machine', {
  missing,
  open: async () => remoteExecutor(localCarrier('localhost')),
  close: async () => undefined,
});
