import { claims } from 'vitest-assay/claims';
import type { ClaimContext } from 'vitest-assay/claims';

/** Tier 1: the workload started, ran, was cleaned up, and left its evidence. */
export default claims({
  image_pullable: {
    when: ({ image }) => image !== null,
    check({ run, expect }) {
      run.requirePhase('prepare');
      expect(run.evaluable(run.manifest.container?.digest ?? null, "the image's digest")).toMatch(/^sha256:/);
    },
  },
  container_up: {
    check({ run, expect }) {
      run.requirePhase('prepare');
      expect(placesOf(run, 'launch.container_up')).toEqual(expect.arrayContaining(boundPlaces(run)));
    },
  },
  role_ready: {
    check({ run, expect }) {
      run.requirePhase('launch');
      // A load client that the config does not place runs beside a server: it is ready too, though bound nowhere.
      expect(placesOf(run, 'launch.role_ready')).toEqual(expect.arrayContaining(boundPlaces(run)));
    },
  },
  every_phase_finished: {
    check({ run, expect }) {
      const { phases, reparses } = run.manifest;
      const finished = Object.entries(phases).map(([phase, { status }]) => `${phase} ${status}`);
      // Phases and events are those of the launch, however often the run was read and judged since.
      const isReadSince = phases.parse?.status === 'failed' && reparses.length > 0;
      const isMissed = run.events().some(({ event }) => event === 'verify.failed');
      const verify = isMissed && phases.verify?.status === 'failed' ? 'verify failed' : 'verify ok';
      const judged = isReadSince ? ['parse failed'] : ['parse ok', verify];
      expect(finished).toEqual(['prepare ok', 'launch ok', 'await ok', ...judged, 'teardown ok']);
    },
  },
  log_clean: {
    check: (context) => checkStreams(context, (source) => !isKernelLog(source)),
  },
  dmesg_clean: {
    check: (context) => checkStreams(context, isKernelLog),
  },
  no_orphans: {
    check({ run, expect }) {
      const { teardown } = run.manifest;
      expect(teardown?.error).toBe(null);
      expect(run.evaluable(teardown?.orphans ?? null, 'what outlived the run')).toBe(0);
    },
  },
  evidence_intact: {
    async check({ run, expect }) {
      await run.checkEvidence();
      expect(Object.keys(run.manifest.sidecars)).toEqual(
        expect.arrayContaining(['config.resolved.yaml', 'events.jsonl']),
      );
    },
  },
});

type Run = ClaimContext['run'];

/** `<role> on <host>` of every event of one name: roles and their hosts come in any order. */
function placesOf(run: Run, name: string): string[] {
  const events = run.events().filter(({ event }) => event === name);
  return events.map(({ role, host }) => `${String(role)} on ${String(host)}`);
}

function boundPlaces(run: Run): string[] {
  const bound = Object.entries(run.manifest.bindings);
  return bound.flatMap(([role, hosts]) => hosts.map((host) => `${role} on ${host}`));
}

const isKernelLog = (source: string): boolean => source.startsWith('dmesg.');

/** Whether no known failure was found in these streams; what the catalogue only warns of is told. */
function checkStreams({ run, expect, warn }: ClaimContext, isOne: (source: string) => boolean): void {
  const warnings = run.manifest.warnings.filter(({ source }) => isOne(source));
  for (const { pattern_id: id, source, count, hint, line } of warnings) {
    warn(`${id} in ${source}, ${count} times - ${hint}\n${line}`);
  }
  run.requirePhase('launch');
  const harmless = new Set<unknown>(warnings.map(({ pattern_id: id }) => id));
  const matched = run.events().filter(({ event, source }) => event === 'pattern.matched' && isOne(String(source)));
  expect(matched.filter(({ pattern_id: id }) => !harmless.has(id))).toEqual([]);
  // A later catalogue may have found more in what was logged.
  const { failure } = run.manifest;
  const isFound = failure?.category === 'failure_pattern_matched' && isOne(sourceIn(failure.message));
  expect(isFound ? failure.message : null).toBe(null);
}

/** The stream that a pattern was found in: `<pattern> in <stream> - <hint>`. */
function sourceIn(message: string): string {
  return / in (\S+) - /.exec(message)?.[1] ?? '';
}
