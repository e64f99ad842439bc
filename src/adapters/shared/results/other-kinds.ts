import { constants } from 'node:buffer';
import { unreadable } from './json-text.ts';

const KINDS: readonly { readonly magic: string; readonly kind: string; readonly hint: string }[] = [
  { magic: '1f8b', kind: 'gzip', hint: 'unpack it first: gunzip --keep' },
  { magic: '28b52ffd', kind: 'zstd', hint: 'unpack it first: zstd -d' },
  { magic: '504b0304', kind: 'a zip archive', hint: 'unpack it first: unzip' },
  { magic: '50415231', kind: 'Parquet', hint: 'give the JSON that the benchmark wrote beside it' },
];

const NO_TEXT_HINT = 'give the file as the benchmark wrote it';

/**
 * The text of a file that may hold JSON.
 *
 * @throws AssayError PARSE_FAILED with the place and what to give instead: an empty file, a binary one, CSV, a log.
 */
export function refuseOtherKinds(file: string, bytes: Uint8Array): string {
  if (bytes.length === 0)
    throw unreadable(`${file}:1:1 is empty (0 bytes)`, 'run the benchmark again, or copy the file again');
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex');
  const packed = KINDS.find(({ magic }) => start.startsWith(magic));
  if (packed !== undefined)
    throw unreadable(`${file}:1:1 is ${packed.kind}, no text (it begins with ${start})`, packed.hint);
  if (bytes.length > constants.MAX_STRING_LENGTH) {
    throw unreadable(
      `${file} has ${bytes.length} bytes: more than can be read at once`,
      'leave out generated_texts, or split it by lines',
    );
  }
  const text = textOf(file, bytes);
  if (text.trim() === '')
    throw unreadable(`${file}:1:1 is empty (${bytes.length} bytes of blanks)`, 'run the benchmark again');
  if (/^\s*[{[]/.test(text)) return text;
  throw otherText(file, text.trimStart());
}

function textOf(file: string, bytes: Uint8Array): string {
  const zero = bytes.indexOf(0);
  if (zero !== -1) throw unreadable(`${file} is binary: byte ${zero} is 0`, NO_TEXT_HINT);
  try {
    // As a stream: a file that was cut in the middle of a letter is cut, not binary. The decoder takes the BOM away.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
  } catch (cause) {
    throw unreadable(`${file} is no UTF-8 text (${(cause as Error).message})`, NO_TEXT_HINT);
  }
}

function otherText(file: string, text: string): Error {
  const line = text.slice(0, 60).split('\n')[0] ?? '';
  if (/AIPerf Server Metrics/i.test(line)) {
    return unreadable(
      `${file}:1:1 holds the metrics of a server, no result: ${line}`,
      'give profile_export.jsonl of the same folder, which has the requests',
    );
  }
  if (isTable(text)) {
    return unreadable(
      `${file}:1:1 is a table (CSV), no JSON: ${line}`,
      'give the JSON or JSONL file that the benchmark wrote beside it',
    );
  }
  return unreadable(`${file}:1:1 begins with no JSON: ${line}`, 'give the result file, no log: JSON or JSONL');
}

/** Whether the first two lines that are no comments have the same columns. */
function isTable(text: string): boolean {
  const lines = text
    .slice(0, 10_000)
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'));
  const [columns = 0, others = 0] = lines.slice(0, 2).map((line) => line.split(',').length);
  return columns > 2 && columns === others;
}
