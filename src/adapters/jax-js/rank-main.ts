import { parentPort, workerData } from 'node:worker_threads';
import { type RankJob, runRank } from './rank.ts';

await runRank(workerData as RankJob, (line) => parentPort?.postMessage(line));
