import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunContext } from '../../lifecycle/adapter.ts';
import { scoreWindow, windowsOf } from '../shared/perplexity.ts';
import type { Serving } from './props.ts';

const DEFAULT_WINDOW_LENGTH = 256;

/**
 * Scores the config's dataset on the served model: a point `nll` per window
 * (nats per token) and, at the last one, `perplexity` over all windows. Does nothing
 * without a dataset.
 */
export async function scoreHeldOut(context: RunContext, serving: Serving, signal: AbortSignal): Promise<void> {
  const { cell } = context.request;
  const { dataset, model } = cell.workload;
  if (dataset?.path === undefined) return;
  const { events } = context.writer;
  const { role, host } = serving.launched;
  const point = (step: number, metric: string, value: number): void =>
    context.writer.point({ step, tsMs: Date.now(), metric, value, role, host, rank: null });
  const text = await readDataset(resolve(cell.configFolder, dataset.path), dataset.sha256);
  const windows = windowsOf(text, dataset.window_length ?? DEFAULT_WINDOW_LENGTH);
  events.record('accuracy.start', { dataset: dataset.id });
  const total = { nll: 0, tokens: 0 };
  for (const [step, window] of windows.entries()) {
    const score = await scoreWindow(serving.baseUrl, { model: model.id, text: window, signal });
    total.nll += score.nll;
    total.tokens += score.tokens;
    point(step, 'nll', score.nll / score.tokens);
  }
  const perplexity = Math.exp(total.nll / total.tokens);
  point(windows.length - 1, 'perplexity', perplexity);
  events.record('accuracy.end', { metric: 'perplexity', value: perplexity });
}

async function readDataset(path: string, sha256: string | undefined): Promise<Buffer> {
  const text = await readFile(path).catch((thrown: unknown) => {
    throw new WorkloadFailure('setup_failure', `the dataset cannot be read: ${messageOf(thrown)}`);
  });
  const actual = createHash('sha256').update(text).digest('hex');
  if (sha256 === undefined || actual === sha256.replace('sha256:', '')) return text;
  throw new WorkloadFailure('setup_failure', `${path} has sha256 ${actual}, the config expects ${sha256}`);
}
