import { EventEmitter } from 'node:events';
import { indexAtWidth } from '../../../../src/core/display-width.ts';

// oxlint-disable-next-line no-control-regex
const TOKEN = /\u001B\[(\??\d*)([A-Za-z])|[\r\n]|[^\u001B\r\n]+/g;

/** A terminal that understands what a live window writes: text that wraps and scrolls, and a few cursor movements. */
export class FakeTerminal extends EventEmitter {
  readonly isTTY: boolean = true;
  columns = 40;
  rows = 24;
  isCursorShown = true;
  /** How often something was written to it. */
  writes = 0;
  #lines: string[] = [''];
  #row = 0;
  #column = 0;

  /** Everything that is on it and scrolled out of it, without blanks at the ends. */
  get text(): string {
    return this.#lines.map((line) => line.trimEnd()).join('\n');
  }

  write(chunk: string | Uint8Array): boolean {
    this.writes += 1;
    for (const [token, argument = '', final] of Buffer.from(chunk).toString().matchAll(TOKEN)) {
      if (final === undefined) this.#put(token);
      else this.#control(final, argument);
    }
    return true;
  }

  /** Becomes narrower, and wraps what is on it anew; the cursor is at the end of it. */
  reflow(columns: number): void {
    const lines = this.#lines;
    this.columns = columns;
    this.#lines = [''];
    this.#row = 0;
    this.#column = 0;
    FakeTerminal.prototype.write.call(this, lines.join('\n'));
  }

  #put(token: string): void {
    if (token === '\r') this.#column = 0;
    else if (token === '\n') this.#down();
    else {
      const at = indexAtWidth(token, Math.max(0, this.columns - this.#column));
      const line = (this.#lines[this.#row] ?? '').padEnd(this.#column);
      this.#lines[this.#row] = line.slice(0, this.#column) + token.slice(0, at) + line.slice(this.#column + at);
      this.#column += at;
      if (at === token.length) return;
      this.#down();
      this.#put(token.slice(at));
    }
  }

  #control(final: string, argument: string): void {
    const line = this.#lines[this.#row] ?? '';
    if (final === 'A') this.#row = Math.max(0, this.#row - Number(argument));
    else if (final === 'G') this.#column = Number(argument) - 1;
    else if (final === 'K') this.#lines[this.#row] = line.slice(0, this.#column);
    else if (final === 'J') this.#lines.splice(this.#row, Infinity, line.slice(0, this.#column));
    else if (argument === '?25') this.isCursorShown = final === 'h';
  }

  #down(): void {
    this.#row += 1;
    this.#column = 0;
    if (this.#row === this.#lines.length) this.#lines.push('');
  }
}
