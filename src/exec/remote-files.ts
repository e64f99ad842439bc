import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { AssayError, messageOf } from '../core/errors.ts';
import type { Carrier } from './carrier.ts';
import { lastWords, startClient } from './remote-client.ts';
import { firstReport, reportToken } from './remote-report.ts';
import { shellWords } from './shell-quote.ts';

/** Copies a file of this machine to a host: all of it or nothing is there then. Rejects with SETUP_FAILED. */
export async function copyToHost(carrier: Carrier, from: string, to: string): Promise<void> {
  const failure = copyFailure('SETUP_FAILED', from, `${carrier.host}:${to}`);
  const file = await stat(from).catch((cause: unknown) => Promise.reject(failure(messageOf(cause), cause)));
  const token = reportToken();
  const mode = (file.mode & 0o777).toString(8);
  const script = `
set -- ${shellWords([to, `${to}.${token}`])}
copy() { head -c ${file.size} >"$2" && [ "$(wc -c <"$2")" -eq ${file.size} ] && chmod ${mode} "$2" && mv -f "$2" "$1"; }
if why=$(copy "$@" 2>&1)
then echo ${token} done
else
  rm -f "$2"
  echo ${token} failed "$(printf %s "$why" | tr '\\n' ' ')"
fi`;
  const client = startClient(carrier.carry(script));
  const said = lastWords(client);
  const answer = firstReport(client.child.stdout, token);
  // A script that gives up reads no further: what counts is its answer.
  await pipeline(createReadStream(from), client.child.stdin).catch(() => undefined);
  const { words } = await answer;
  if (words === null) throw failure(carrier.explain(await client.ended, said()));
  if (words[0] !== 'done') throw failure(words.slice(1).join(' '));
}

/** Copies a file of a host to this machine: all of it or nothing is there then. Rejects with EVIDENCE_MISSING. */
export async function copyFromHost(carrier: Carrier, from: string, to: string): Promise<void> {
  const failure = copyFailure('EVIDENCE_MISSING', `${carrier.host}:${from}`, to);
  const token = reportToken();
  const script = `
set -- ${shellWords([token, from])}
if size=$({ wc -c <"$2"; } 2>&1)
then echo "$1 size $((size))" && head -c "$size" "$2"
else echo "$1 failed $size"
fi`;
  const client = startClient(carrier.carry(script));
  client.child.stdin.end();
  const said = lastWords(client);
  const { words } = await firstReport(client.child.stdout, token);
  if (words === null) throw failure(carrier.explain(await client.ended, said()));
  if (words[0] !== 'size') throw failure(words.slice(1).join(' '));
  const partial = `${to}.${token}`;
  try {
    const file = createWriteStream(partial);
    await pipeline(client.child.stdout, file);
    if (file.bytesWritten !== Number(words[1])) throw new Error(carrier.explain(await client.ended, said()));
    await rename(partial, to);
  } catch (cause) {
    client.child.kill('SIGKILL');
    await rm(partial, { force: true });
    throw failure(messageOf(cause), cause);
  }
}

function copyFailure(
  code: 'SETUP_FAILED' | 'EVIDENCE_MISSING',
  from: string,
  to: string,
): (reason: string, cause?: unknown) => AssayError {
  return (reason, cause) =>
    new AssayError(code, `${from} could not be copied to ${to}: ${reason}`, {
      hint: 'check that both folders are there and can be written',
      cause,
    });
}
