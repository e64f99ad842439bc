import { WorkloadFailure } from '../../evidence/failure.ts';
import type { ReadyRole, RunRequest } from '../../lifecycle/adapter.ts';
import type { Place, RolePlan } from '../../lifecycle/launch.ts';
import type { Readiness } from '../../lifecycle/ready.ts';
import type { Flags } from '../shared/flag-words.ts';
import type { ProgramPlan } from '../shared/program.ts';
import { meetingAddress } from '../shared/rendezvous.ts';
import { servingUrl } from '../shared/serving-url.ts';
import { BENCH_RESULT, benchWords, datasetFile } from './bench-argv.ts';
import { serversOf } from './layout.ts';
import type { ServerNodes } from './layout.ts';
import { MODEL_ROLES } from './parallelism.ts';
import type { ModelRole } from './parallelism.ts';
import { sglangDisaggParams } from './params.ts';
import type { SglangParams } from './params.ts';
import { routerWords } from './router-argv.ts';
import { distInitPortOf, modelOf, portOf, serverWords } from './server-argv.ts';
import { stackOf } from './stack.ts';
import type { Stack } from './stack.ts';

/** The role that the load goes to. */
export const ROUTER_ROLE = 'router';
const BENCH_ROLE = 'bench';

/** Or a pipe gets what was printed when all is over. */
const UNBUFFERED = { PYTHONUNBUFFERED: '1' };

/** What a server says that will not serve; it may take a while until it ends. */
const SERVER_FAILURES: readonly RegExp[] = [
  /^launch_server\.py: error: /,
  /\bScheduler hit an exception: /,
  /\bReceived sigquit from a child process\b/,
];

const ROUTER_FAILURES: readonly RegExp[] = [/^launch_router\.py: error: /, /\bError starting router: /];

/** What is known of a cell before anything runs. */
interface Setting {
  readonly request: RunRequest;
  readonly params: SglangParams;
  readonly stack: Stack;
  readonly reads: readonly string[];
  readonly router: string;
  readonly bench: string;
  readonly scratch: string;
}

/** Prefill and decode servers, a router that knows them, and the client that loads it. */
export function planSglang(request: RunRequest, scratch: string): Pick<ProgramPlan, 'servers' | 'workers' | 'results'> {
  const setting = settingOf(request, scratch);
  return {
    servers: [...MODEL_ROLES.map((role) => serverPlan(setting, role)), routerPlan(setting)],
    workers: [benchPlan(setting)],
    results: [{ host: setting.bench, path: `${scratch}/${BENCH_RESULT}`, as: BENCH_RESULT }],
  };
}

function settingOf(request: RunRequest, scratch: string): Setting {
  const { cell, hosts } = request;
  const params = sglangDisaggParams.parse(cell.params);
  const router = onlyHost(request, ROUTER_ROLE) ?? hosts['prefill']?.[0] ?? '';
  return {
    request,
    params,
    stack: stackOf(cell, params),
    reads: cell.workload.model.path === undefined ? [] : [modelOf(cell)],
    router,
    bench: onlyHost(request, BENCH_ROLE) ?? router,
    scratch,
  };
}

function onlyHost({ hosts }: RunRequest, role: string): string | undefined {
  const [host, ...others] = hosts[role] ?? [];
  if (others.length === 0) return host;
  const count = others.length + 1;
  throw new WorkloadFailure(
    'setup_failure',
    `role ${role} is on ${count} hosts, and there is one ${role} - set its count to 1`,
  );
}

function serverPlan({ request, params, stack, reads }: Setting, role: ModelRole): RolePlan {
  const servers = serversOf(request, role, params);
  return {
    role,
    after: [],
    command: (place) => ({
      file: 'python3',
      args: serverWords(request.cell, {
        role,
        params,
        stack: stack.flags,
        address: place.address,
        nodes: nodeFlags(serverOn(servers, place.host), place, distInitPortOf(params, role)),
      }),
      env: { ...UNBUFFERED, ...stack.env },
      reads,
      ...(isLeader(servers, place.host) ? { serves: servingUrl(place.address, portOf(params, role)) } : {}),
    }),
    readiness: (place) => serverReadiness(serverOn(servers, place.host), place, portOf(params, role)),
  };
}

/** The first node of a server alone has its endpoint. */
function isLeader(servers: readonly ServerNodes[], host: string): boolean {
  return serverOn(servers, host).hosts[0] === host;
}

function serverOn(servers: readonly ServerNodes[], host: string): ServerNodes {
  const server = servers.find(({ hosts }) => hosts.includes(host));
  if (server === undefined) throw new Error(`no server is on ${host}`);
  return server;
}

function nodeFlags({ role, hosts }: ServerNodes, place: Place, port: number): Flags {
  if (hosts.length === 1) return {};
  const address = meetingAddress(role, hosts[0], place);
  return {
    nnodes: hosts.length,
    'node-rank': hosts.indexOf(place.host),
    'dist-init-addr': `${address.includes(':') ? `[${address}]` : address}:${port}`,
  };
}

function serverReadiness({ hosts: [leader] }: ServerNodes, { host, address }: Place, port: number): Readiness {
  if (host !== leader) return { kind: 'started', failures: SERVER_FAILURES };
  return { kind: 'http', url: () => servingUrl(address, port), path: '/health', failures: SERVER_FAILURES };
}

/** That it knows all servers is seen later: its `/health` answers 200 without one of them. */
function routerPlan({ params, router }: Setting): RolePlan {
  return {
    role: ROUTER_ROLE,
    after: [...MODEL_ROLES],
    hosts: [router],
    command: ({ address, ready }) => ({
      file: 'python3',
      args: routerWords({ params, address, prefill: urlsOf(ready, 'prefill'), decode: urlsOf(ready, 'decode') }),
      env: UNBUFFERED,
      serves: servingUrl(address, params.router_port),
    }),
    readiness: ({ address }) => ({
      kind: 'http',
      url: () => servingUrl(address, params.router_port),
      path: '/health',
      failures: ROUTER_FAILURES,
    }),
  };
}

function urlsOf(ready: readonly ReadyRole[], role: string): readonly string[] {
  return ready.flatMap((one) => (one.role === role && one.url !== null ? [one.url] : []));
}

function benchPlan({ request, params, reads, bench, scratch }: Setting): RolePlan {
  const { cell, runId } = request;
  const file = datasetFile(cell, params);
  return {
    role: BENCH_ROLE,
    after: [ROUTER_ROLE],
    hosts: [bench],
    command: ({ ready }) => ({
      file: 'python3',
      args: benchWords(cell, {
        params,
        baseUrl: urlsOf(ready, ROUTER_ROLE)[0] ?? '',
        resultFolder: scratch,
        tag: runId,
      }),
      env: UNBUFFERED,
      reads: file === undefined ? reads : [...reads, file],
      writes: [scratch],
    }),
    readiness: { kind: 'started' },
  };
}
