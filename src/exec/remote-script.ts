import type { Command } from './executor.ts';
import { shellWord, shellWords } from './shell-quote.ts';

/** How long a process may take to end when whoever started it is gone, in tenths of a second. */
const ORPHAN_GRACE_TENTHS = 100;

/** What a script reads first from its stdin; the stdin itself must stay open as long as the command shall run. */
type Payload =
  /** What the command gets as its stdin. */
  | { readonly kind: 'input'; readonly text: string }
  /** What the command gets in its environment besides, and nobody else sees. */
  | { readonly kind: 'secrets'; readonly values: Readonly<Record<string, string>> };

/** A shell script that runs one command, and what must be written to its stdin. */
interface RemoteScript {
  readonly text: string;
  readonly stdin: Buffer;
}

// The first line goes to both streams, so that on each of them what the login shell printed
// can be told from what the command prints. `$$` leads a session and becomes the command.
const BEGIN = String.raw`
case $2 in
  */*) [ -f "$2" ] && [ -x "$2" ] ;;
  *) command -v "$2" >/dev/null ;;
esac && read -r stat </proc/self/stat && begin="pid $stat" || begin=missing
printf '%s %s\n' "$1" "$begin"
printf '%s %s\n' "$1" "$begin" >&2
[ "$begin" = missing ] && exit 127
shift
exec "$@"`;

/**
 * Shell functions: `alive PID [START]`, where the start time tells the process from a later one with
 * its id, and `gone TENTHS PID [START]`, which waits for its end as many tenths of a second.
 */
export const PROCESS_FUNCTIONS = `
alive() {
  start=$2
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
  set -- \${stat##*) }
  case $1 in [ZX]) return 1 ;; esac
  [ -z "$start" ] || [ "$start" = "\${20}" ]
}
gone() {
  left=$1
  shift
  while alive "$@"; do
    [ "$left" -gt 0 ] || return 1
    if sleep 0.1 2>/dev/null; then left=$((left - 1)); else sleep 1; left=$((left - 10)); fi
  done
}`;

/**
 * A script that runs a command in a session of its own. It says on both streams, each time on a line that
 * starts with the token: `pid STAT` (its line of /proc) or `missing` before the command prints anything, and `exit CODE [SIGNAL]`
 * after it, which may stand behind a line without an end. The end of the script's stdin ends the command.
 */
export function remoteScript({ file, args, env = {} }: Command, payload: Payload, token: string): RemoteScript {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const command = shellWords(['setsid', 'env', ...variables, '/bin/sh', '-c', BEGIN, 'sh', token, file, ...args]);
  const stdin = Buffer.from(encode(payload));
  const text = `
token=${shellWord(token)}
exec 3<&0 </dev/null 4>&2 2>/dev/null
${PROCESS_FUNCTIONS}
payload=$(head -c ${stdin.length} <&3)
${feed(payload)} ( ${payload.kind === 'secrets' ? 'eval "$payload"; ' : ''}exec ${command} ) 2>&4 3<&- 4>&- &
pid=$!
(
  while read -r line; do :; done
  trap '' TERM
  kill -TERM "$pid"
  gone ${ORPHAN_GRACE_TENTHS} "$pid"
  kill -KILL "-$pid"
) <&3 >/dev/null 3<&- 4>&- &
switch=$!
wait "$pid"
code=$?
kill "$switch"
signal=
[ "$code" -gt 128 ] && signal=$(kill -l "$code")
printf '%s exit %s %s\\n' "$token" "$code" "$signal"
printf '%s exit %s %s\\n' "$token" "$code" "$signal" >&4`;
  return { text, stdin };
}

// In a variable the input may be as long as it likes, and the script's stdin is free to tell of its end;
// but a variable holds no null bytes and loses newlines at its end.
function encode(payload: Payload): string {
  switch (payload.kind) {
    case 'input':
      return Buffer.from(payload.text).toString('base64');
    case 'secrets':
      return Object.entries(payload.values)
        .map(([name, value]) => `export ${name}=${shellWord(value)};`)
        .join('\n');
  }
}

function feed(payload: Payload): string {
  return payload.kind === 'input' && payload.text !== '' ? `printf %s "$payload" | base64 -d |` : '';
}
