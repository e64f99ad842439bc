import { claims } from 'vitest-assay/claims';

/** Tier 1: the workload started, ran, was cleaned up, and left its evidence. */
export default claims({
  endpoint_ready: {
    check({ run, expect }) {
      run.requirePhase('launch');
      const ready = run.events().filter(({ event }) => event === 'launch.role_ready');
      const bound = Object.entries(run.manifest.bindings).flatMap(([role, hosts]) =>
        hosts.map((host) => `${role} on ${host}`),
      );
      // Roles and their hosts become ready in any order.
      expect(new Set(ready.map(({ role, host }) => `${String(role)} on ${String(host)}`))).toEqual(new Set(bound));
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
    check({ run, expect, warn }) {
      const { warnings } = run.manifest;
      for (const { pattern_id: id, source, count, hint, line } of warnings) {
        warn(`${id} in ${source}, ${count} times - ${hint}\n${line}`);
      }
      run.requirePhase('launch');
      const harmless = new Set<unknown>(warnings.map(({ pattern_id: id }) => id));
      const matched = run.events().filter(({ event }) => event === 'pattern.matched');
      expect(matched.filter(({ pattern_id: id }) => !harmless.has(id))).toEqual([]);
      // A later catalogue may have found more in what was logged.
      const { failure } = run.manifest;
      expect(failure?.category === 'failure_pattern_matched' ? failure.message : null).toBe(null);
    },
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
