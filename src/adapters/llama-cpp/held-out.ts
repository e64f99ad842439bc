import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import { WorkloadFailure } from '../../evidence/failure.ts';
import type { RunContext } from '../../lifecycle/adapter.ts';
import { ScoringUnsupported, scoreWindow, windowsOf } from '../shared/perplexity.ts';
import type { Serving } from './props.ts';

const DEFAULT_WINDOW_LENGTH = 256;

/**
 * Scores the config's dataset on the served model: a point `nll` per window
 * (nats per token) and, at the last one, `perplexity` over all windows. Does nothing
 * without a dataset; leaves no point when the server cannot score a prompt.
 */
export async function scoreHeldOut(context: RunContext, serving: Serving, signal: AbortSignal): Promise<void> {
  const { cell } = context.request;
  const { dataset } = cell.workload;
  if (dataset?.path === undefined) return;
  const { events } = context.writer;
  const text = await readDataset(resolve(cell.configFolder, dataset.path), dataset.sha256);
  const windows = windowsOf(text, dataset.window_length ?? DEFAULT_WINDOW_LENGTH);
  events.record('accuracy.start', { dataset: dataset.id });
  const perplexity = await scoreWindows(windows, context, { serving, signal }).catch((thrown: unknown) => {
    if (!(thrown instanceof ScoringUnsupported)) throw thrown;
    process.stderr.write(`perplexity was not measured, the server cannot score a prompt: ${thrown.message}\n`);
    return null;
  });
  events.record('accuracy.end', { metric: 'perplexity', value: perplexity });
}

async function scoreWindows(
  windows: readonly string[],
  { request: { cell }, writer }: RunContext,
  { serving, signal }: { readonly serving: Serving; readonly signal: AbortSignal },
): Promise<number> {
  const { role, host } = serving.launched;
  const point = (step: number, metric: string, value: number): void =>
    writer.point({ step, tsMs: Date.now(), metric, value, role, host, rank: null });
  const total = { nll: 0, tokens: 0 };
  for (const [step, text] of windows.entries()) {
    const score = await scoreWindow(serving.baseUrl, { model: cell.workload.model.id, text, signal });
    total.nll += score.nll;
    total.tokens += score.tokens;
    point(step, 'nll', score.nll / score.tokens);
  }
  const perplexity = Math.exp(total.nll / total.tokens);
  point(windows.length - 1, 'perplexity', perplexity);
  return perplexity;
}

async function readDataset(path: string, sha256: string | undefined): Promise<Buffer> {
  const text = await readFile(path).catch((thrown: unknown) => {
    throw new WorkloadFailure('setup_failure', `the dataset cannot be read: ${messageOf(thrown)}`);
  });
  const actual = createHash('sha256').update(text).digest('hex');
  if (sha256 === undefined || actual === sha256.replace('sha256:', '')) return text;
  throw new WorkloadFailure('setup_failure', `${path} has sha256 ${actual}, the config expects ${sha256}`);
}
