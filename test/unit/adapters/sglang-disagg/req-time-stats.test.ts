import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinHandoffs, requestRecords } from '../../../../src/adapters/sglang-disagg/handoffs.ts';
import { readReqTimeStats } from '../../../../src/adapters/sglang-disagg/req-time-stats.ts';

const ROOM = '5975098084415727586';
const line = (side: string, rest: string, { rid = 'a1', room = `, bootstrap_room=${ROOM}` } = {}): string =>
  `[2026-03-12 00:03:06 TP0] Req Time Stats(rid=${rid}${room}, input len=1024, output len=8, type=${side}): ${rest}`;

/** Three generations of the two lines. */
const LINES = {
  prefillA: line(
    'prefill',
    'bootstrap_duration=1.50ms, queue_duration=2.25ms, forward_duration=40.00ms, start_time=1234.567',
  ),
  decodeA: line(
    'decode',
    'prealloc_duration=1.00ms, transfer_duration=43.00ms, queue_duration=0.50ms, forward_duration=70.00ms, start_time=99.125',
  ),
  prefillB: line(
    'prefill',
    'bootstrap_queue_duration(3.00ms) = bootstrap(2.00ms) + alloc_wait(1.00ms); queue_duration=2.00ms, forward_duration=45.00ms, start=1234.567, transfer_speed=10.00GB/s, transfer_total=320.00MB, #retries=0',
  ),
  decodeB: line(
    'decode',
    'prealloc_queue_duration(2.50ms) = bootstrap(2.00ms) + alloc_wait(0.50ms); transfer_duration=48.00ms; queue_duration=0.25ms, forward_duration=70.00ms, start=99.125',
  ),
  prefillC: line(
    'prefill',
    'bootstrap_duration=2.00ms, alloc_wait_duration=1.00ms, queue_duration=2.00ms, forward_duration=45.00ms, entry_time=1773273786.125, transfer_speed=10.00 GB/s, transfer_total=320.00 MB, #retries=0',
  ),
  decodeC: line(
    'decode',
    'bootstrap_duration=2.00ms, alloc_wait_duration=0.50ms, transfer_duration=48.00ms, queue_duration=0.25ms, forward_duration=70.00ms, entry_time=1773273786.125',
  ),
};

const logs = (...lines: readonly string[]) => [{ role: 'decode', host: 'n1', index: 0, lines }];
const joined = (...lines: readonly string[]) => joinHandoffs(requestRecords(logs(...lines)));

describe('the line of one request', () => {
  it.each([
    [
      'prefillA',
      { admissionMs: 1.5, queueMs: 2.25, forwardMs: 40, transferMb: null, entryMs: null, waitForKvMs: null },
    ],
    ['decodeA', { admissionMs: 1, queueMs: 0.5, forwardMs: 70, waitForKvMs: 43, entryMs: null }],
    ['prefillB', { admissionMs: 3, queueMs: 2, forwardMs: 45, transferMb: 320, transferGbPerSec: 10, entryMs: null }],
    ['decodeB', { admissionMs: 2.5, queueMs: 0.25, forwardMs: 70, waitForKvMs: 48, transferMb: null }],
    [
      'prefillC',
      { admissionMs: 3, queueMs: 2, forwardMs: 45, transferMb: 320, transferGbPerSec: 10, entryMs: 1773273786125 },
    ],
    ['decodeC', { admissionMs: 2.5, queueMs: 0.25, forwardMs: 70, waitForKvMs: 48, entryMs: 1773273786125 }],
  ] as const)('%s', (name, values) => {
    const shared = {
      side: name.slice(0, -1),
      rid: 'a1',
      room: ROOM,
      inputTokens: 1024,
      outputTokens: 8,
      stamp: '2026-03-12 00:03:06',
    };
    expect(readReqTimeStats(LINES[name])).toMatchObject({ ...shared, ...values });
    const other = LINES[name].replace(' TP0]', '.125] INFO schedule_batch.py:1207:');
    expect(readReqTimeStats(`\u001B[32m${other}\u001B[0m\r`)).toMatchObject({
      ...values,
      stamp: '2026-03-12 00:03:06.125',
    });
  });

  it('keeps all digits of a room, more than a number holds', () => {
    expect(Number(ROOM).toString()).not.toBe(ROOM);
    expect(readReqTimeStats(LINES.decodeC)?.room).toBe(ROOM);
  });

  it.each([
    ['a moment that was never noted', 'forward_duration=1759654443392.38ms', { forwardMs: null }],
    ['a clock that ran backwards', 'queue_duration=-1.00ms', { queueMs: null }],
    ['a value that is there twice', 'queue_duration=1.00ms, queue_duration=2.00ms', { queueMs: null }],
    ['a moment of a clock that begins anywhere', 'entry_time=1234.567', { entryMs: null }],
    ['parts without a whole', 'alloc_wait_duration=1.00ms', { admissionMs: null }],
  ])('says nothing by %s', (_name, rest, values) => {
    expect(readReqTimeStats(line('decode', rest))).toMatchObject(values);
  });

  it.each([
    `${LINES.decodeC.slice(0, 60)}${LINES.prefillC}`,
    `${LINES.decodeC}${LINES.decodeC}`,
    LINES.decodeC.replace('decode', 'unified'),
    LINES.decodeC.slice(26),
    '[2026-03-12 00:03:06] The server is fired up and ready to roll!',
    '',
  ])('is none: %s', (text) => {
    expect(readReqTimeStats(text)).toBeNull();
  });

  it('cut short anywhere, says nothing that the whole does not', () => {
    const lengths = Object.values(LINES).flatMap((text) => Array.from(text, (_, length) => ({ text, length })));
    for (const { text, length } of lengths) {
      const whole: object = readReqTimeStats(text) ?? {};
      const part = Object.entries(readReqTimeStats(text.slice(0, length)) ?? {}).filter(([, value]) => value !== null);
      expect(whole).toMatchObject(Object.fromEntries(part));
    }
  });

  it('never fails, whatever the bytes', () => {
    const noise = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string().map((text) => line('decode', text)),
    );
    fc.assert(fc.property(noise, (text) => void readReqTimeStats(text)));
    fc.assert(fc.property(fc.string(), (text) => readReqTimeStats(text) === null));
  });
});

describe('the handoff of a request', () => {
  it('is what was sent over how fast, and the moments around it by the clocks of their servers', () => {
    expect(joined(LINES.prefillC, LINES.decodeC)).toEqual({
      joined: [
        {
          decodeHost: 'n1',
          stamp: '2026-03-12 00:03:06',
          kvTransferMs: (320 / 1024 / 10) * 1000,
          kvWaitMs: 48,
          // The prefill's whole way is 3 + 2 + 45 ms, of which the transfer is the end.
          prefillDoneMs: 1773273786125 + 50 - 31.25,
          decodeStartMs: 1773273786125 + 2.5 + 48 + 0.25,
        },
      ],
      unmatched: 0,
    });
  });

  it('has no moments where the clock begins anywhere, and no transfer where none is printed', () => {
    expect(joined(LINES.prefillB, LINES.decodeB).joined).toMatchObject([
      { kvTransferMs: 31.25, prefillDoneMs: null, decodeStartMs: null },
    ]);
    expect(joined(LINES.prefillA, LINES.decodeA).joined).toMatchObject([{ kvTransferMs: null, kvWaitMs: 43 }]);
  });

  it('counts as the whole forward pass where the speed rounds to nothing, and never as more', () => {
    const slow = LINES.prefillC.replace('10.00 GB/s', '0.00 GB/s');
    expect(joined(slow, LINES.decodeC).joined[0]?.kvTransferMs).toBe(45);
    expect(joined(LINES.prefillC.replace('10.00 GB/s', '0.01 GB/s'), LINES.decodeC).joined[0]?.kvTransferMs).toBe(45);
    expect(joined(LINES.prefillC.replace('320.00 MB', '0.00 MB'), LINES.decodeC).joined[0]?.kvTransferMs).toBeNull();
  });

  it.each<[string, readonly string[], number, number]>([
    ['a decode without its prefill', [LINES.decodeC], 0, 1],
    ['a prefill without its decode', [LINES.prefillC], 0, 0],
    ['another room', [LINES.prefillC.replace(ROOM, '7'), LINES.decodeC], 0, 1],
    ['a room that differs in its last digit', [LINES.prefillC.replace('7586', '7587'), LINES.decodeC], 0, 1],
    ['one room for two prefills', [LINES.prefillC, LINES.prefillC.replace('320.00', '321.00'), LINES.decodeC], 0, 1],
    ['a line printed twice', [LINES.prefillC, LINES.prefillC, LINES.decodeC], 1, 0],
    ['other ids in one room', [LINES.prefillC.replace('rid=a1', 'rid=b2'), LINES.decodeC], 1, 0],
    ['no room, one id', [LINES.prefillC, LINES.decodeC].map((text) => text.replace(/, bootstrap_room=\d+/, '')), 1, 0],
    [
      'warm-ups of the servers themselves',
      [LINES.prefillC, LINES.decodeC, 'The server is fired up and ready to roll!'],
      0,
      0,
    ],
  ])('%s', (...[, lines, handoffs, unmatched]) => {
    const result = joined(...lines);
    expect([result.joined.length, result.unmatched]).toEqual([handoffs, unmatched]);
  });

  it('joins each request with its own partner, in whatever order the lines come', () => {
    const requests = fc.uniqueArray(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(requests, fc.infiniteStream(fc.nat()), (rooms, order) => {
        const lines = rooms.flatMap((room, index) => [
          LINES.prefillC.replace(ROOM, String(room)).replace('320.00', `${index + 1}.00`),
          LINES.decodeC.replace(ROOM, String(room)).replace('48.00', `${index + 1}.00`),
        ]);
        const shuffled = lines.map((text) => [order.next().value ?? 0, text] as const).toSorted(([a], [b]) => a - b);
        const result = joined(...shuffled.map(([, text]) => text));
        expect(result.joined).toHaveLength(rooms.length);
        for (const { kvTransferMs, kvWaitMs } of result.joined) {
          expect(kvTransferMs).toBeCloseTo(((kvWaitMs ?? NaN) / 1024 / 10) * 1000, 9);
        }
      }),
    );
  });
});
