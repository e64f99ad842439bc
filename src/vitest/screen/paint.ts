import { styleText } from 'node:util';

/** What a text may be painted with. */
export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Colours a text when the terminal shows colours; the text alone must carry the meaning. */
export function paint(colour: Colour, text: string): string {
  const { NO_COLOR, TERM } = process.env;
  const isColourful = process.stdout.isTTY && NO_COLOR === undefined && TERM !== 'dumb';
  return isColourful ? styleText(colour, text) : text;
}
