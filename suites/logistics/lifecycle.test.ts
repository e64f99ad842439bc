import { claims } from 'vitest-assay/claims';

/** Tier 1: the workload started, ran, was cleaned up, and left its evidence. */
export default claims({
  endpoint_ready: {
    check({ run, expect }) {
      run.requirePhase('launch');
      const ready = run.events().filter(({ event }) => event === 'launch.role_ready');
      expect(ready.map(({ role }) => role)).toEqual(Object.keys(run.manifest.bindings));
    },
  },
  every_phase_finished: {
    check({ run, expect }) {
      const finished = Object.entries(run.manifest.phases).map(([phase, { status }]) => `${phase} ${status}`);
      const verify = run.manifest.failure?.category === 'verification_failure' ? 'verify failed' : 'verify ok';
      expect(finished).toEqual(['prepare ok', 'launch ok', 'await ok', 'parse ok', verify, 'teardown ok']);
    },
  },
  log_clean: {
    check({ run, expect }) {
      run.requirePhase('launch');
      expect(run.events().filter(({ event }) => event === 'pattern.matched')).toEqual([]);
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
