/** Where something stands, ready to print; both numbers are 1-based, or 0 for what is in no file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Dotted path inside the document, e.g. `thresholds[2].op`; empty for the document itself. */
  readonly path: string;
}
