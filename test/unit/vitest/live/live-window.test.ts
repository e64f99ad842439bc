import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LiveWindow } from '../../../../src/vitest/live/live-window.ts';
import { FakeTerminal } from './fake-terminal.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open({ isShown = true }: { readonly isShown?: boolean } = {}) {
  const terminal = new FakeTerminal();
  const state = { rows: ['', 'one', 'two'] as readonly string[] };
  const screen = terminal as unknown as NodeJS.WriteStream;
  const window = new LiveWindow({ screen, others: [screen], content: () => state.rows });
  if (isShown) window.show();
  return { terminal, state, window };
}

const linesOf = ({ text }: FakeTerminal): readonly string[] => text.split('\n').filter((line) => line !== '');

describe('the live window', () => {
  it('stays below what others write, and leaves nothing but that', () => {
    const { terminal, window } = open();
    expect(terminal.text).toBe('\none\ntwo');
    terminal.write('a line\n');
    terminal.write('another\n');
    vi.advanceTimersByTime(100);
    expect(terminal.text).toBe('a line\nanother\n\none\ntwo');
    terminal.write('last\n');
    window.hide();
    expect(terminal.text).toBe('a line\nanother\nlast\n');
    expect(Object.hasOwn(terminal, 'write')).toBe(false);
  });

  it('is drawn over itself, whatever its height', () => {
    const { terminal, state, window } = open();
    for (const rows of [['', 'longer'], ['', 'x', 'y', 'z'], ['z']]) {
      state.rows = rows;
      window.refresh();
      vi.advanceTimersByTime(100);
      expect(terminal.text).toBe(rows.join('\n'));
    }
  });

  it('is drawn ten times a second at most, and not at all while nothing changes', () => {
    const { terminal, state, window } = open();
    vi.advanceTimersByTime(5000);
    const before = terminal.writes;
    for (let at = 0; at < 1000; at += 1) {
      state.rows = [`${at}`];
      window.refresh();
      vi.advanceTimersByTime(1);
    }
    expect(terminal.text).toMatch(/^9\d\d$/);
    expect(terminal.writes - before).toBeLessThanOrEqual(11);
    vi.advanceTimersByTime(1000);
    const settled = terminal.writes;
    vi.advanceTimersByTime(5000);
    expect(terminal.writes).toBe(settled);
  });

  it('lets a line that others have not ended go on where it was', () => {
    const { terminal, window } = open();
    for (const piece of ['··', '·', 'x·\nnext ', 'one']) {
      terminal.write(piece);
      vi.advanceTimersByTime(100);
    }
    expect(window.isMidLine).toBe(true);
    expect(terminal.text).toBe('···x·\nnext one\n\none\ntwo');
    terminal.write('\n');
    expect(window.isMidLine).toBe(false);
    window.hide();
    expect(terminal.text).toBe('···x·\nnext one\n');
  });

  it('changes nothing of what others write, however it is cut', () => {
    const pieces = fc.array(fc.constantFrom('a', 'some words', '\n', 'a whole line\n', '·'.repeat(40), 'x'.repeat(95)));
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(150)), (texts, pauses) => {
        const { terminal, window } = open();
        const plain = new FakeTerminal();
        texts.forEach((text, at) => {
          terminal.write(text);
          plain.write(text);
          vi.advanceTimersByTime(pauses[at] ?? 0);
        });
        window.hide();
        // An empty line may come behind one that fills its row to the last column.
        expect(linesOf(terminal)).toEqual(linesOf(plain));
      }),
    );
  });

  it('goes back over the rows that a narrower terminal has wrapped', () => {
    const { terminal, state, window } = open();
    state.rows = ['0123456789012345678901234567890', 'end'];
    terminal.write('above\n');
    vi.advanceTimersByTime(200);
    // So a terminal shows it that wraps anew when it becomes narrower.
    terminal.reflow(20);
    expect(terminal.text).toBe('above\n01234567890123456789\n01234567890\nend');
    state.rows = ['short'];
    terminal.emit('resize');
    vi.advanceTimersByTime(100);
    expect(terminal.text).toBe('above\nshort');
    window.hide();
  });

  it('hides the cursor while it is there, also when the process ends', () => {
    const { terminal, window } = open({ isShown: false });
    const before = process.listenerCount('exit');
    window.show();
    expect(terminal.isCursorShown).toBe(false);
    const onExit = process.listeners('exit').at(-1);
    terminal.write('last words\n');
    onExit?.call(process, 1);
    expect(terminal.isCursorShown).toBe(true);
    expect(terminal.text).toBe('last words\n');
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('comes and goes again and again', () => {
    const { terminal, window } = open();
    for (const pass of ['first', 'second']) {
      window.show();
      window.show();
      terminal.write(`${pass}\n`);
      window.hide();
      window.hide();
    }
    terminal.write('free\n');
    vi.advanceTimersByTime(1000);
    expect(terminal.text).toBe('first\nsecond\nfree\n');
    expect(terminal.listenerCount('resize')).toBe(0);
  });

  it('lets go of a stream that somebody else took over meanwhile', () => {
    const { terminal, window } = open();
    const ours = terminal.write.bind(terminal);
    terminal.write = (text) => ours(`>${String(text)}`);
    window.hide();
    terminal.write('on\n');
    expect(terminal.text).toBe('>on\n');
  });
});
