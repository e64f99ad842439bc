import { AssayError } from '../core/errors.ts';
import type { Executor, HostFingerprint } from './executor.ts';
import { describeExit, isSuccess } from './exit.ts';

const TIMEOUT_MS = 20_000;

// Nothing here forks per network interface: a host of containers has hundreds. nproc would obey OpenMP's variables.
const SCRIPT = `
unset OMP_NUM_THREADS OMP_THREAD_LIMIT
echo "hostname $(uname -n)"
echo "kernel $(uname -r)"
echo "arch $(uname -m)"
echo "os $(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME" || uname -s)"
echo "cpus $(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo 2>/dev/null)"
sed -n 's/^model name[^:]*: */cpu /p' /proc/cpuinfo 2>/dev/null | head -n 1
lscpu 2>/dev/null | sed -n 's/^Model name: */lscpu /p' | head -n 1
sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/memory_kb \\1/p' /proc/meminfo 2>/dev/null
[ -d /sys/class/net ] && echo sysfs
for nic in /sys/class/net/*; do
  state= speed= kind=virtual rdma=
  { read -r state <"$nic/operstate"; } 2>/dev/null || continue
  { read -r speed <"$nic/speed"; } 2>/dev/null
  [ -e "$nic/device" ] && kind=device
  [ -e "$nic/device/infiniband" ] && rdma=rdma
  echo "nic $kind \${nic##*/} $state \${speed:-?} $rdma"
done
for port in /sys/class/infiniband/*/ports/*; do
  layer= rate=
  { read -r layer <"$port/link_layer"; } 2>/dev/null
  { read -r rate <"$port/rate"; } 2>/dev/null || continue
  device=\${port%/ports/*}
  echo "rdma \${device##*/}:\${port##*/} $layer $rate"
done
exit 0`;

// As Node calls them: hosts that were measured in different ways can be compared.
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' };

/** What a host says of itself in one command, without its container runtime. Rejects with SETUP_FAILED when it does not answer. */
export async function readFacts({ host, run }: Pick<Executor, 'host' | 'run'>): Promise<HostFingerprint> {
  const { exit, stdout } = await run({ file: '/bin/sh', args: ['-c', SCRIPT] }, { timeoutMs: TIMEOUT_MS });
  if (!isSuccess(exit)) {
    throw new AssayError('SETUP_FAILED', `${host} does not say what it is: the script ${describeExit(exit)}`);
  }
  return parseFacts(stdout);
}

/** A host from lines that each hold the name of a fact and its value. */
function parseFacts(lines: string): HostFingerprint {
  const facts = lines.split('\n').map((line) => {
    const [name = ''] = line.split(' ', 1);
    return { name, value: line.slice(name.length).trim() };
  });
  const all = (name: string): readonly string[] => facts.filter((fact) => fact.name === name).map(({ value }) => value);
  const text = (name: string): string | null => all(name).find((value) => value !== '') ?? null;
  const count = (name: string): number | null => (Number(text(name)) > 0 ? Number(text(name)) : null);
  const arch = text('arch');
  const memoryKb = count('memory_kb');
  const isTold = facts.some(({ name }) => name === 'sysfs');
  return {
    hostname: text('hostname'),
    os: text('os'),
    kernel: text('kernel'),
    arch: arch === null ? null : (ARCHITECTURES[arch] ?? arch),
    cpu_model: text('cpu') ?? text('lscpu'),
    cpu_count: count('cpus'),
    memory_bytes: memoryKb === null ? null : memoryKb * 1024,
    nics: isTold ? listed(describeNics(all('nic'))) : null,
    rdma: isTold ? listed(all('rdma')) : null,
    container_runtime: null,
    node_version: null,
  };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

// Where there is hardware, what is built on top of it only repeats it; a guest may see nothing but the latter.
function describeNics(lines: readonly string[]): readonly string[] {
  const nics = lines.map((line) => {
    const [kind, name = '', state, speed, rdma] = line.split(' ');
    return {
      isDevice: kind === 'device',
      name,
      isUp: state === 'up',
      megabits: Number(speed),
      isRdma: rdma === 'rdma',
    };
  });
  const devices = nics.filter(({ isDevice }) => isDevice);
  const shown = devices.length > 0 ? devices : nics.filter(({ isUp }) => isUp);
  return shown.map(({ name, isUp, megabits, isRdma }) =>
    [name, ...(megabits > 0 ? [`${megabits} Mb/s`] : []), ...(isRdma ? ['rdma'] : []), ...(isUp ? [] : ['down'])].join(
      ' ',
    ),
  );
}
