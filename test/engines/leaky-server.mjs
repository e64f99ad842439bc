// A stand-in for `llama-server` that is handed secrets and shows them in every way it can think of.
// The model that it serves says how it ends. No dependencies: it runs in containers too.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

const secrets = ['SENTINEL_AWKWARD', 'SENTINEL_SYNTAX', 'SENTINEL_LINES'].flatMap((name) => {
  const value = process.env[name];
  return value === undefined ? [] : [{ name, value }];
});
const values = secrets.map(({ value }) => value);
const shown = values.join(' and ');
const flag = (name) => process.argv[process.argv.indexOf(`--${name}`) + 1];
const alias = flag('alias');
const streams = [process.stdout, process.stderr];

function spellings(value) {
  const bytes = Buffer.from(value);
  return {
    plain: value,
    json: JSON.stringify({ token: value }),
    json_in_json: JSON.stringify(JSON.stringify([value])),
    url: `https://host/login?token=${encodeURIComponent(value)}`,
    form: String(new URLSearchParams({ token: value })),
    shell: `curl --header '${value.replaceAll("'", String.raw`'\''`)}'`,
    markup: `<p>${value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</p>`,
    basic: `Authorization: Basic ${Buffer.from(`user:${value}`).toString('base64')}`,
    basic_bot: `Authorization: Basic ${Buffer.from(`bot:${value}`).toString('base64')}`,
    base64: bytes.toString('base64'),
    base64url: bytes.toString('base64url'),
    hex: bytes.toString('hex'),
    HEX: bytes.toString('hex').toUpperCase(),
  };
}

/** In two writes, cut in the middle of the secret, and in 20. */
async function showInPieces(stream, value) {
  const text = `in pieces: ${value} and on\n`;
  for (const count of [2, 20]) {
    const length = Math.ceil(text.length / count);
    for (let at = 0; at < text.length; at += length) {
      stream.write(text.slice(at, at + length));
      await delay(5);
    }
  }
}

async function showAll() {
  for (const { name, value } of secrets) {
    const proof = createHash('sha256').update(value).digest('hex');
    process.stdout.write(`proof ${name} ${proof}\n`);
    for (const stream of streams) {
      for (const [how, text] of Object.entries(spellings(value))) stream.write(`${how}: ${text}\n`);
      stream.write(`argv: ${[...process.argv, `--api-key=${value}`, '--token', value].join(' ')}\n`);
      await showInPieces(stream, value);
    }
  }
}

/** A text in which the secret begins so late that whoever keeps its first 200 characters keeps a part of it. */
const cutOff = (value) => `${'x'.repeat(200 - Math.ceil(value.length * 0.7))}${value}`;

function event(response, data) {
  response.write(`data: ${data}\n\n`);
}

const token = (text) => JSON.stringify({ choices: [{ text, index: 0 }] });

function refuse(response, status, text) {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(text);
}

function complete(response) {
  for (let count = 0; count < 4; count += 1) event(response, token(shown));
  event(response, '[DONE]');
  response.end();
}

/** How every other request ends, in turns; each failure tells the secret. */
const FAILURES = [
  (response) => refuse(response, 500, JSON.stringify({ error: `the login with ${shown} failed` })),
  (response) => refuse(response, 503, cutOff(values[0])),
  (response) => {
    event(response, JSON.stringify({ error: { message: `no access for ${shown}` } }));
    response.end();
  },
  (response) => {
    event(response, `what is ${shown}`);
    response.end();
  },
  (response) => {
    event(response, JSON.stringify({ error: { message: cutOff(values[1]) } }));
    response.end();
  },
];
let asked = 0;

function generate(response, body) {
  if (JSON.parse(body).echo === true) return refuse(response, 501, `cannot score for ${shown}`);
  if (alias === 'pattern') return process.stderr.write(`torch.OutOfMemoryError: CUDA out of memory. ${shown}\n`);
  if (alias === 'refusing') return refuse(response, 401, `wrong token ${shown}`);
  asked += 1;
  return asked % 2 === 1 ? complete(response) : FAILURES[(asked / 2 - 1) % FAILURES.length](response);
}

function props(response) {
  if (alias === 'undescribed') return refuse(response, 500, cutOff(values[0]));
  if (alias === 'garbled') return refuse(response, 200, values[1]);
  const facts = { total_slots: 4, default_generation_settings: { n_ctx: 256 }, build_info: `b1 for ${shown}` };
  return refuse(response, 200, JSON.stringify(facts));
}

function answer(request, response, body) {
  if (request.url === '/health') return refuse(response, 200, 'ok');
  if (request.url === '/props') return props(response);
  if (request.url === '/v1/models') return refuse(response, 200, '{"data": [{"meta": {"n_vocab": 259}}]}');
  if (request.url.endsWith('/completions')) return generate(response, body);
  return refuse(response, 404, shown);
}

function crash() {
  // What is caught by nobody is printed with the line that threw it.
  throw new Error(`cannot log in with ${shown}`, { cause: { request: { headers: { authorization: values[0] } } } });
}

await showAll();
if (alias === 'crashing') crash();
createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (piece) => (body += piece));
  request.on('end', () => answer(request, response, body));
}).listen(Number(flag('port')), flag('host'));
process.on('SIGTERM', () => {
  process.stderr.write(`the last words: ${values[0].slice(0, 40)}`);
  process.exit(0);
});
