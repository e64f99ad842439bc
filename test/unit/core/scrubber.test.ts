import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noSecrets, scrubberOf } from '../../../src/core/scrubber.ts';
import type { Scrubber } from '../../../src/core/scrubber.ts';
import { SecretValue } from '../../../src/core/secret.ts';

const MARK = '<SecretValue label=a>';
const hiding = (...values: readonly string[]): Scrubber =>
  scrubberOf(values.map((value, index) => new SecretValue('abcdefgh'.charAt(index), value)));

/** What a stream passes on for these pieces, and how much it held back at most. */
function streamed(scrubber: Scrubber, pieces: readonly string[]): { readonly text: string; readonly heldBack: number } {
  const stream = scrubber.stream();
  let [text, taken, passed, heldBack] = ['', 0, 0, 0];
  for (const piece of pieces) {
    const out = stream.push(piece);
    text += out;
    taken += piece.length;
    passed += out.length;
    heldBack = Math.max(heldBack, taken - passed);
  }
  return { text: text + stream.end(), heldBack };
}

describe('scrub', () => {
  it('puts the label where the secret was, everywhere', () => {
    expect(hiding('s3cr3t').scrub('user:s3cr3t@host s3cr3ts3cr3t s3cr3')).toBe(
      `user:${MARK}@host ${MARK}${MARK} s3cr3`,
    );
  });

  const NASTY = `a/b+c d"e\\f'g&h<i>%é😀$x!(y)*~,`;
  it.each([
    ['JSON', JSON.stringify(NASTY).slice(1, -1)],
    ['JSON in JSON', JSON.stringify(JSON.stringify(NASTY)).slice(3, -3)],
    ['JSON of Python', String.raw`a/b+c d\"e\\f'g&h<i>%\u00e9\ud83d\ude00$x!(y)*~,`],
    ['JSON of Go', String.raw`a/b+c d\"e\\f'g\u0026h\u003ci\u003e%é😀$x!(y)*~,`],
    ['JSON of PHP', String.raw`a\/b+c d\"e\\f'g&h<i>%é😀$x!(y)*~,`],
    ['repr of Python', String.raw`a/b+c d"e\\f\'g&h<i>%é😀$x!(y)*~,`],
    ['YAML in single quotes', String.raw`a/b+c d"e\f''g&h<i>%é😀$x!(y)*~,`],
    ['a URL component', encodeURIComponent(NASTY)],
    ['a URL', encodeURI(NASTY)],
    ['a URL with small digits', encodeURIComponent(NASTY).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['a form', String(new URLSearchParams({ x: NASTY })).slice(2)],
    ['quote of Python', 'a/b%2Bc%20d%22e%5Cf%27g%26h%3Ci%3E%25%C3%A9%F0%9F%98%80%24x%21%28y%29%2A~%2C'],
    ['quote_plus of Python', 'a%2Fb%2Bc+d%22e%5Cf%27g%26h%3Ci%3E%25%C3%A9%F0%9F%98%80%24x%21%28y%29%2A~%2C'],
    ['base64', Buffer.from(NASTY).toString('base64')],
    ['base64 of a line', Buffer.from(`${NASTY}\n`).toString('base64')],
    ['base64 for URLs, without padding', Buffer.from(NASTY).toString('base64url')],
    ['HTML of Python', 'a/b+c d&quot;e\\f&#x27;g&amp;h&lt;i&gt;%é😀$x!(y)*~,'],
    ['HTML of Go', 'a/b+c d&#34;e\\f&#39;g&amp;h&lt;i&gt;%é😀$x!(y)*~,'],
    ['hex', Buffer.from(NASTY).toString('hex')],
    ['large hex', Buffer.from(NASTY).toString('hex').toUpperCase()],
    ['single quotes of a shell', NASTY.replaceAll("'", String.raw`'\''`)],
    ['shlex.quote of Python', NASTY.replaceAll("'", `'"'"'`)],
    ['double quotes of a shell', String.raw`a/b+c d\"e\\f'g&h<i>%é😀\$x!(y)*~,`],
    ['printf %q', String.raw`a/b+c\ d\"e\\f\'g\&h\<i\>%é😀\$x\!\(y\)\*~\,`],
  ])('knows the secret as %s shows it', (_where, shown) => {
    expect(hiding(NASTY).scrub(`[${shown}]`)).toBe(`[${MARK}]`);
  });

  it.each(['', 'a', 'ab', 'user:'])(
    'leaves nothing of it in base64 of a text in which it comes after "%s"',
    (before) => {
      for (const encoding of ['base64', 'base64url'] as const) {
        const scrubbed = hiding(NASTY).scrub(Buffer.from(`${before}${NASTY}?`).toString(encoding));
        expect(scrubbed).toContain(MARK);
        expect(Buffer.from(scrubbed.replace(MARK, ''), encoding).length).toBeLessThan(before.length + 6);
      }
    },
  );

  it('ignores white space around a secret, and finds it in base64 with it', () => {
    expect(hiding(' t0k3n\n').scrub(`(t0k3n) ${Buffer.from(' t0k3n\n').toString('base64')}`)).toBe(`(${MARK}) ${MARK}`);
  });

  it('hides a secret that contains another as one, and the other elsewhere', () => {
    const scrubber = hiding('pass', 'my-password-1');
    expect(scrubber.scrub('my-password-1 pass my-password-2')).toBe(`<SecretValue label=b> ${MARK} my-${MARK}word-2`);
  });

  it('takes the longer of two that begin together', () => {
    expect(hiding('pass', 'password').scrub('password')).toBe('<SecretValue label=b>');
  });

  it('leaves no part of two secrets that overlap', () => {
    const scrubber = hiding('xabcd', 'abcdefghijkl');
    expect(scrubber.scrub('-xabcdefghijkl-')).toBe(`-${MARK}<SecretValue label=b>-`);
    expect(hiding('abab').scrub('-ababab-')).toBe(`-${MARK}-`);
  });

  it('shows the first label of two secrets that are the same', () => {
    expect(hiding('same', 'same').scrub('same')).toBe(MARK);
  });

  it('hides the long lines of a secret with several, wherever they come', () => {
    const key = '-----BEGIN KEY-----\r\n  MIIEowIBAAKCAQEA\r\nend\r\n-----END KEY-----\r\n';
    const scrubber = hiding(key);
    expect(scrubber.scrub(`[${key.trim().replaceAll('\r', '')}]`)).toBe(`[${MARK}]`);
    expect(scrubber.scrub('log: MIIEowIBAAKCAQEA\nlog: end\n')).toBe(`log: ${MARK}\nlog: end\n`);
  });

  it('hides the start of a secret that the text was cut off in, unless it says nothing', () => {
    const scrubber = hiding('a-rather-long-secret', 'e2e-secret');
    expect(scrubber.scrub('answered 500: a-rather-l')).toBe(`answered 500: ${MARK}`);
    expect(scrubber.scrub(Buffer.from('a-rather-long-secret').toString('hex').slice(0, 30))).toBe(MARK);
    expect(scrubber.scrub('a-rathe')).toBe('a-rathe');
    expect(scrubber.scrub('a-rather-l is no part of one')).toBe('a-rather-l is no part of one');
    expect(streamed(scrubber, ['killed with a-ra', 'ther-long-se']).text).toBe(`killed with ${MARK}`);
    expect(scrubber.scrub('<SecretValue la')).toBe('<SecretValue la');
  });

  it('finds a secret with white space in a text that was put on one line', () => {
    expect(hiding('one  two\tthree').scrub('500: one two three!')).toBe(`500: ${MARK}!`);
  });

  it('does not break up a label that contains a secret', () => {
    const scrubber = scrubberOf([new SecretValue('db_password', 'password')]);
    const once = scrubber.scrub('password');
    expect(once).toBe('<SecretValue label=db_password>');
    expect(scrubber.scrub(once)).toBe(once);
  });

  it('has nothing to do without secrets', () => {
    expect(scrubberOf([])).toBe(noSecrets);
    expect(scrubberOf([new SecretValue('a', ' ')])).toBe(noSecrets);
    expect(streamed(noSecrets, ['a', 'b']).text).toBe('ab');
  });
});

describe('a stream', () => {
  it('passes on at once what cannot be the start of a secret', () => {
    const stream = hiding('s3cr3t').stream();
    expect(stream.push('ready\n')).toBe('ready\n');
    expect(stream.push('x s3c')).toBe('x ');
    expect(stream.push('ret s3cr3')).toBe('s3cret ');
    expect(stream.push('t')).toBe(MARK);
    expect(stream.push('s3')).toBe('');
    expect(stream.end()).toBe('s3');
  });

  it('holds back all of the longest spelling but its end', () => {
    const hex = Buffer.from('a-rather-long-secret').toString('hex');
    const stream = hiding('a-rather-long-secret').stream();
    expect(stream.push(`x${hex.slice(0, -1)}`)).toBe('x');
    expect(stream.push(hex.slice(-1))).toBe(MARK);
  });

  it('waits for the longer of two secrets that begin alike', () => {
    const stream = hiding('abcd', 'abcdefgh').stream();
    expect(stream.push('abcd')).toBe('');
    expect(stream.push('efg')).toBe('');
    expect(stream.push('!')).toBe(`${MARK}efg!`);
  });
});

// Few letters, so that secrets meet, overlap and begin inside each other.
const letters = fc.constantFrom('a', 'b', '"', '\\', '\n', ' ', '%', '.', '<', '>', 'é', '\uD83D', '\uDE00', 'S', '=');
const word = fc.string({ unit: letters, minLength: 4, maxLength: 7 }).filter((value) => value.trim().length >= 4);
const values = fc.array(fc.oneof(word, fc.string({ minLength: 4, maxLength: 30 })), { minLength: 1, maxLength: 4 });

/** Secrets, a text in which they occur in several spellings, and places where it is cut. */
const scene = values.chain((secrets) =>
  fc.record({
    secrets: fc.constant(secrets),
    parts: fc.array(
      fc.oneof(
        fc.string({ unit: letters, maxLength: 5 }),
        fc.constantFrom(...secrets, ...secrets.map((value) => value.slice(0, -1)), MARK, '<SecretValue label='),
        fc.constantFrom(...secrets).map((value) => JSON.stringify(value).slice(1, -1)),
        fc.constantFrom(...secrets).map((value) => Buffer.from(value).toString('base64')),
      ),
      { maxLength: 12 },
    ),
    cuts: fc.array(fc.nat(300)),
  }),
);

function cut(text: string, cuts: readonly number[]): readonly string[] {
  const places = [0, ...cuts.filter((place) => place < text.length).sort((one, other) => one - other), text.length];
  return places.slice(1).map((place, index) => text.slice(places[index], place));
}

/** What lies between the marks of a scrubbed text. */
const betweenMarks = (text: string): readonly string[] => text.split(/<SecretValue label=[a-h]>/);

/** Whether so much of a spelling stands at the end of the text that it is hidden. */
function endsInStartOf(text: string, spelling: string): boolean {
  return Array.from(spelling, (_, at) => spelling.slice(0, at)).some(
    (start) => start.length >= 8 && text.endsWith(start),
  );
}

describe('properties', () => {
  it('passes on in pieces what it makes of the whole', () => {
    fc.assert(
      fc.property(scene, ({ secrets, parts, cuts }) => {
        const scrubber = hiding(...secrets);
        const text = parts.join('');
        for (const pieces of [cut(text, cuts), text.split('')]) {
          expect(streamed(scrubber, pieces).text).toBe(scrubber.scrub(text));
        }
      }),
    );
  });

  it('leaves no secret between the marks', () => {
    fc.assert(
      fc.property(scene, ({ secrets, parts }) => {
        const gaps = betweenMarks(hiding(...secrets).scrub(parts.join('')));
        for (const value of secrets) {
          for (const spelling of new SecretValue('a', value).spellings()) {
            expect(gaps.filter((gap) => gap.includes(spelling))).toEqual([]);
          }
        }
      }),
    );
  });

  it('changes nothing the second time', () => {
    // A secret that begins or ends like a mark could be completed by one.
    const plain = scene.filter(({ secrets }) => !secrets.some((value) => /[<>]/.test(value)));
    fc.assert(
      fc.property(plain, ({ secrets, parts }) => {
        const scrubber = hiding(...secrets);
        const once = scrubber.scrub(parts.join(''));
        expect(scrubber.scrub(once)).toBe(once);
      }),
    );
  });

  it('leaves text alone that has no secret in it, and holds back less than the longest spelling', () => {
    const starts = scene.map(({ secrets, cuts }) => ({
      secrets,
      text: cuts.map((end, index) => secrets[index % secrets.length]!.slice(0, end % 20)).join('-'),
    }));
    fc.assert(
      fc.property(starts, ({ secrets, text }) => {
        const spellings = secrets.flatMap((value) => [...new SecretValue('a', value).spellings()]);
        fc.pre(!spellings.some((spelling) => text.includes(spelling) || endsInStartOf(text, spelling)));
        const scrubber = hiding(...secrets);
        expect(scrubber.scrub(text)).toBe(text);
        const { text: passed, heldBack } = streamed(scrubber, text.split(''));
        expect(passed).toBe(text);
        expect(heldBack).toBeLessThan(Math.max(MARK.length, ...spellings.map(({ length }) => length)));
      }),
    );
  });
});
