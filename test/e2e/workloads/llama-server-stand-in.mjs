// An emulation of llama.cpp's `llama-server` for tests of the session: it starts at once, holds no model and invents
// its tokens. It notes each of its launches in the file that STAND_IN_LAUNCHES names, so that a test counts launches
// by what was launched. STAND_IN_HOLD lists what it does not do: `ready` (it stays loading), `token` (no answer goes
// on), `exit` (SIGTERM does nothing) - until the file exists that STAND_IN_RELEASE names.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const {
  STAND_IN_LAUNCHES: launches,
  STAND_IN_HOLD: hold = '',
  STAND_IN_RELEASE: release,
  ASSAY_RUN_ID: runId,
} = process.env;
const FLAGS = ['model', 'alias', 'host', 'port', 'ctx-size', 'parallel', 'threads', 'seed'];
const NUMBERS = ['port', 'ctx-size', 'parallel', 'threads', 'seed'];
const POLL_MS = 20;

/** Every flag once, in any order, each with its value; and `--metrics`. */
function readArgv(argv) {
  const words = argv.filter((word) => word !== '--metrics');
  const pairs = Array.from({ length: Math.ceil(words.length / 2) }, (_, index) =>
    words.slice(2 * index, 2 * index + 2),
  );
  const names = pairs.map(([flag]) => flag);
  const isWhole =
    words.length + 1 === argv.length &&
    pairs.length === FLAGS.length &&
    FLAGS.every((flag) => names.includes(`--${flag}`));
  const given = Object.fromEntries(pairs.map(([flag, value]) => [flag.slice(2), value]));
  const isNumeric = NUMBERS.every((name) => /^\d+$/.test(given[name]));
  if (isWhole && isNumeric && readFileSync(given.model).subarray(0, 4).toString() === 'GGUF') return given;
  process.stderr.write(`stand-in: cannot be called with ${JSON.stringify(argv)}\n`);
  process.exit(2);
}

const argv = process.argv.slice(2);
const flags = readArgv(argv);
// One write to a file that is opened for appending: lines of two servers do not mix.
appendFileSync(launches, `${JSON.stringify({ pid: process.pid, runId, slots: Number(flags.parallel), argv })}\n`);

const held = hold.split(',');
const holds = (what) => held.includes(what) && !existsSync(release);
let tokens = 0;

const answers = {
  'GET /health': () => (holds('ready') ? [503, { status: 'loading model' }] : [200, { status: 'ok' }]),
  'GET /props': () => [
    200,
    {
      total_slots: Number(flags.parallel),
      default_generation_settings: { n_ctx: Number(flags['ctx-size']) / Number(flags.parallel) },
      build_info: 'stand-in',
    },
  ],
  'GET /v1/models': () => [200, { data: [{ id: flags.alias, meta: { n_vocab: 259 } }] }],
  'GET /metrics': () => [200, `stand_in:tokens_total ${tokens}\n`],
};

async function complete(request, response) {
  const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
  if (body.model !== flags.alias || body.stream !== true) return send(response, 400, { error: { message: 'refused' } });
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (let index = 0; index < body.max_tokens; index += 1) {
    while (holds('token')) await delay(POLL_MS);
    tokens += 1;
    const isLast = index === body.max_tokens - 1;
    response.write(event({ choices: [{ index: 0, text: 'a', finish_reason: isLast ? 'length' : null }] }));
  }
  const usage = { prompt_tokens: body.prompt.length, completion_tokens: body.max_tokens };
  return response.end(`${event({ choices: [], usage })}data: [DONE]\n\n`);
}

const event = (data) => `data: ${JSON.stringify(data)}\n\n`;

function send(response, status, body) {
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/plain' : 'application/json' });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const server = createServer((request, response) => {
  const route = `${request.method} ${request.url}`;
  if (route === 'POST /v1/completions') void complete(request, response);
  else send(response, ...(answers[route]?.() ?? [404, { error: { message: route } }]));
});
process.on('SIGTERM', () => void end());
async function end() {
  while (holds('exit')) await delay(POLL_MS);
  process.exit(0);
}
server.listen(Number(flags.port), flags.host);
