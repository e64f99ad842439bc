import { stripVTControlCharacters } from 'node:util';
import { displayWidth } from '../../core/display-width.ts';

/** A terminal is drawn on no more often than that. */
const FRAME_MS = 100;
/** The clocks in the window go on while nothing happens. */
const TICK_MS = 500;

const CSI = '\u001B[';
// Terminals that know them show what lies between as one picture; others ignore them.
const PICTURE_START = `${CSI}?2026h`;
const PICTURE_END = `${CSI}?2026l`;
const HIDE_CURSOR = `${CSI}?25l`;
const SHOW_CURSOR = `${CSI}?25h`;
const ERASE_BELOW = `${CSI}J`;
const ERASE_RIGHT = `${CSI}K`;

/** How much of a terminal a window may take. */
export interface WindowSize {
  readonly columns: number;
  readonly rows: number;
}

/** The streams that lead to one terminal, and what is to be shown on it. */
export interface WindowOptions {
  readonly screen: NodeJS.WriteStream;
  /** Others that write to the same terminal. */
  readonly others: readonly NodeJS.WriteStream[];
  /** The rows of the window, none of them wider than it. */
  readonly content: (size: WindowSize) => readonly string[];
}

interface Held {
  readonly text: string;
  readonly write: () => void;
}

/**
 * A few rows that stay at the bottom of a terminal while everything that others write to it scrolls by above them.
 * What others write is held back for a frame at most, and whole lines or not, it comes out as it was written.
 */
export class LiveWindow {
  readonly #options: WindowOptions;
  #restore: (() => void)[] = [];
  #write: (text: string) => void = () => undefined;
  #held: Held[] = [];
  #drawn: readonly string[] = [];
  /** How wide the line is that others have begun and not ended, above the window. */
  #begun = 0;
  #tick: NodeJS.Timeout | undefined;
  #nextFrame: NodeJS.Timeout | undefined;
  #drawnMs = -Infinity;
  #isShown = false;

  constructor(options: WindowOptions) {
    this.#options = options;
  }

  /** Whether it is on the screen. */
  get isShown(): boolean {
    return this.#isShown;
  }

  /** Whether others have begun a line above the window and not ended it. */
  get isMidLine(): boolean {
    return this.#isShown && this.#held.reduce((width, { text }) => widthOfLastLine(text, width), this.#begun) > 0;
  }

  /** Puts the window on the screen, which it leaves by `hide` or with the process. */
  show(): void {
    if (this.#isShown) return;
    const { screen, others } = this.#options;
    this.#isShown = true;
    this.#begun = 0;
    this.#write = screen.write.bind(screen);
    this.#restore = [...new Set([screen, ...others])].map((stream) => this.#intercept(stream));
    this.#tick = setInterval(this.refresh, TICK_MS).unref();
    screen.on('resize', this.refresh);
    process.once('exit', this.hide);
    this.#write(HIDE_CURSOR);
    this.refresh();
  }

  /** Takes the window off the screen and leaves the terminal as it was found. */
  readonly hide = (): void => {
    if (!this.#isShown) return;
    this.#isShown = false;
    clearInterval(this.#tick);
    clearTimeout(this.#nextFrame);
    this.#nextFrame = undefined;
    this.#options.screen.off('resize', this.refresh);
    process.off('exit', this.hide);
    this.#write(this.#erasing());
    this.#drawn = [];
    this.#release();
    this.#write(SHOW_CURSOR);
    for (const restore of this.#restore) restore();
  };

  /** Draws the window anew, at once or when its next frame is due. */
  readonly refresh = (): void => {
    if (!this.#isShown || this.#nextFrame !== undefined) return;
    const dueMs = this.#drawnMs + FRAME_MS - performance.now();
    if (dueMs <= 0) this.#draw();
    else this.#nextFrame = setTimeout(() => this.#draw(), dueMs).unref();
  };

  #draw(): void {
    this.#nextFrame = undefined;
    this.#drawnMs = performance.now();
    const { screen, content } = this.#options;
    const { columns, rows } = sizeOf(screen);
    // One column stays free: not every terminal agrees on how wide a sign is.
    const next = content({ columns: columns - 1, rows: rows - 1 }).slice(0, Math.max(1, rows - 1));
    if (this.#held.length > 0 || this.#drawn.length === 0) {
      this.#write(`${PICTURE_START}${this.#erasing()}`);
      this.#release();
      this.#write(`${next.length > 0 && this.#begun > 0 ? '\n' : ''}${next.join('\n')}${PICTURE_END}`);
    } else if (!isSame(next, this.#drawn)) {
      // Row over row: nothing flickers where pictures are not known.
      const rows = next.map((row) => `${row}${ERASE_RIGHT}`).join('\n');
      this.#write(`${PICTURE_START}${this.#toTop()}${rows}${ERASE_BELOW}${PICTURE_END}`);
    }
    this.#drawn = next;
  }

  /** What takes the cursor from the end of the window to its first column. */
  #toTop(): string {
    const { columns } = sizeOf(this.#options.screen);
    // A terminal that became narrower has wrapped them.
    const height = this.#drawn.reduce((sum, row) => sum + Math.max(1, Math.ceil(widthOf(row) / columns)), 0);
    return `\r${up(height - 1)}`;
  }

  /** What takes the window off the screen, and the cursor to where others left it. */
  #erasing(): string {
    if (this.#drawn.length === 0) return '';
    // A line that fills its row to the last column goes on in the next one.
    const column = this.#begun % sizeOf(this.#options.screen).columns;
    const back = column === 0 ? '' : `${up(1)}${CSI}${column + 1}G`;
    return `${this.#toTop()}${ERASE_BELOW}${back}`;
  }

  #release(): void {
    for (const { text, write } of this.#held.splice(0)) {
      write();
      this.#begun = widthOfLastLine(text, this.#begun);
    }
  }

  #intercept(stream: NodeJS.WriteStream): () => void {
    const before = Object.getOwnPropertyDescriptor(stream, 'write');
    const pass = stream.write.bind(stream) as (...args: readonly unknown[]) => boolean;
    const write = (chunk: string | Uint8Array, ...rest: readonly unknown[]): boolean => {
      // Who took it over from us while the window was there may give it back later.
      if (!this.#isShown) return pass(chunk, ...rest);
      this.#held.push({
        text: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString(),
        write: () => pass(chunk, ...rest),
      });
      this.refresh();
      return true;
    };
    stream.write = write as typeof stream.write;
    return () => {
      if (stream.write !== write) return;
      if (before === undefined) Reflect.deleteProperty(stream, 'write');
      else Object.defineProperty(stream, 'write', before);
    };
  }
}

function sizeOf({ columns, rows }: Partial<WindowSize>): WindowSize {
  // A terminal that does not know its size says 0.
  return { columns: columns || 80, rows: rows || 24 };
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((row, at) => row === other[at]);
}

function up(rows: number): string {
  return rows > 0 ? `${CSI}${rows}A` : '';
}

function widthOf(row: string): number {
  return displayWidth(stripVTControlCharacters(row));
}

function widthOfLastLine(text: string, before: number): number {
  const plain = stripVTControlCharacters(text);
  const start = Math.max(plain.lastIndexOf('\n'), plain.lastIndexOf('\r')) + 1;
  return (start === 0 ? before : 0) + displayWidth(plain.slice(start));
}
