import { describeContainerConformance } from './container-conformance.ts';
import { describeContainers } from './container-suite.ts';
import { podmanMissing, startPodman } from './podman-engine.ts';

const missing = await podmanMissing();

describeContainerConformance('podman', { missing, start: startPodman });

describeContainers({ runtime: 'podman', missing, start: startPodman });
