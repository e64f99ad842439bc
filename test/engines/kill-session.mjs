import { planSession } from '../../dist/session/plan.js';
import { frameworks } from '../../dist/session/registry.js';
import { Session } from '../../dist/session/run.js';

// Run as a process of its own, which is killed: a session without Vitest around it, in the current folder.
const [cluster = null] = process.argv.slice(2);
// What runs in a container here is a stand-in, which needs nothing of the machine.
const inContainersToo = frameworks.map((framework) => ({
  ...framework,
  spec: { ...framework.spec, container: 'optional' },
}));
const options = { root: process.cwd(), configs: ['configs/*.yaml'], artifacts: 'runs', overrides: [], onlyCells: [] };
const session = new Session(planSession({ ...options, cluster }, inContainersToo), () => undefined);
await Promise.all(session.plan.cells.map(({ cell }) => session.request(cell.key)));
await session.stop();
