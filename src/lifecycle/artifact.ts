import { readFile, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ZodType } from 'zod';
import { messageOf } from '../core/errors.ts';
import { WorkloadFailure } from '../evidence/failure.ts';

// Enough to recognize a page of a proxy or the line that a writer died in.
const SNIPPET_LENGTH = 200;

const NEXT = 'the log of the framework says why';

/**
 * Reads the text of a file in which a framework leaves its results.
 *
 * @throws WorkloadFailure parse_failure with the path, and what is there instead, when it is missing, empty or unreadable.
 */
export async function readArtifact(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(async (thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'ENOENT')
      throw new WorkloadFailure('parse_failure', `${path} cannot be read: ${thrown.message}`);
    throw new WorkloadFailure('parse_failure', `${path} is missing - ${NEXT}`, [await neighbours(dirname(path))]);
  });
  if (text.trim() !== '') return text;
  throw new WorkloadFailure('parse_failure', `${path} is empty (${sizeOf(text)}) - ${NEXT}`);
}

/**
 * Reads a JSON file in which a framework leaves its results.
 *
 * @throws WorkloadFailure parse_failure with the path, the size and a snippet of what is there, also when it is cut
 *   short, no JSON, or not of the shape.
 */
export async function readJsonArtifact<Value>(path: string, shape: ZodType<Value>): Promise<Value> {
  const text = await readArtifact(path);
  const parsed = shape.safeParse(parseJson(path, text));
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const where = first?.path.join('.') || 'the whole';
  throw new WorkloadFailure(
    'parse_failure',
    `${path} (${sizeOf(text)}) is not what this version reads: ${where}: ${first?.message}`,
    [text.slice(0, SNIPPET_LENGTH)],
  );
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    if (isCutShort(text)) {
      const message = `${path} is cut short: its JSON ends in the middle, after ${sizeOf(text)} - ${NEXT}`;
      throw new WorkloadFailure('parse_failure', message, [`... ${text.slice(-SNIPPET_LENGTH)}`]);
    }
    const message = `${path} (${sizeOf(text)}) is no JSON: ${messageOf(thrown)}`;
    throw new WorkloadFailure('parse_failure', message, [text.slice(0, SNIPPET_LENGTH)]);
  }
}

/** Whether a text begins as a JSON object or array and ends before that does. */
function isCutShort(text: string): boolean {
  if (!/^\s*[{[]/.test(text)) return false;
  // A string that never ends is not taken out, and hides no bracket that counts: it is open itself.
  const rest = text.replaceAll(/"[^"\\]*(?:\\[^][^"\\]*)*"/g, '');
  if (rest.includes('"')) return true;
  return rest.replaceAll(/[^{[]/g, '').length > rest.replaceAll(/[^}\]]/g, '').length;
}

async function neighbours(folder: string): Promise<string> {
  const names = await readdir(folder).catch(() => null);
  if (names === null) return `${folder} is missing, too`;
  return `${folder} holds ${names.length === 0 ? 'nothing' : names.toSorted().slice(0, 20).join(', ')}`;
}

function sizeOf(text: string): string {
  return `${Buffer.byteLength(text)} bytes`;
}
