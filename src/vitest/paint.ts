import { styleText } from 'node:util';

type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** Colours a text when the terminal shows colours; the text alone must carry the meaning. */
export function paint(colour: Colour, text: string): string {
  const isColourful = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
  return isColourful ? styleText(colour, text) : text;
}
