// Preloaded into a measured process: its own CPU time and peak memory, as one line on the given file.
import { writeFileSync } from 'node:fs';

process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const usage = { cpuMs: (userCPUTime + systemCPUTime) / 1000, rssMb: maxRSS / 1024 };
  writeFileSync(process.env['USAGE_FILE'], JSON.stringify(usage));
});
