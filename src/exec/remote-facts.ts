import { AssayError } from '../core/errors.ts';
import type { Executor, HostFingerprint } from './executor.ts';
import { describeExit, isSuccess } from './exit.ts';

const SCRIPT = String.raw`
echo "hostname $(uname -n)"
echo "kernel $(uname -r)"
echo "arch $(uname -m)"
echo "os $(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME" || uname -s)"
echo "cpus $(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
sed -n 's/^model name[^:]*: */cpu /p' /proc/cpuinfo | head -n 1
sed -n 's/^MemTotal: *\([0-9]*\) kB$/memory_kb \1/p' /proc/meminfo
exit 0`;

// As Node calls them: hosts that were measured in different ways can be compared.
const ARCHITECTURES: Readonly<Record<string, string>> = { x86_64: 'x64', aarch64: 'arm64' };

/** What a host is. Rejects with SETUP_FAILED when it cannot be reached. */
export async function readFacts({ host, run }: Pick<Executor, 'host' | 'run'>): Promise<HostFingerprint> {
  const { exit, stdout } = await run({ file: '/bin/sh', args: ['-c', SCRIPT] });
  if (!isSuccess(exit)) {
    throw new AssayError('SETUP_FAILED', `${host} does not say what it is: the script ${describeExit(exit)}`);
  }
  return parseFacts(stdout);
}

/** A host from lines that each hold the name of a fact and its value. */
function parseFacts(lines: string): HostFingerprint {
  const facts = new Map(lines.split('\n').map((line) => [line.split(' ', 1)[0], line.replace(/^\S+ */, '').trim()]));
  const text = (name: string): string => facts.get(name) ?? '';
  const count = (name: string): number | null => (Number(text(name)) > 0 ? Number(text(name)) : null);
  const memoryKb = count('memory_kb');
  return {
    hostname: text('hostname'),
    os: text('os'),
    kernel: text('kernel'),
    arch: ARCHITECTURES[text('arch')] ?? text('arch'),
    cpu_model: text('cpu') === '' ? null : text('cpu'),
    cpu_count: count('cpus'),
    memory_bytes: memoryKb === null ? null : memoryKb * 1024,
    node_version: null,
  };
}
