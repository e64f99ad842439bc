import { shellWord } from '../../../exec/shell-quote.ts';
import { paint } from '../../screen/paint.ts';
import { counted, paragraph } from './layout.ts';
import type { PassSummary } from './pass-summary.ts';

const FILES_SHOWN = 12;

/** Files that were not judged to their end, with the command that judges them on the runs there are by now. */
export function lostLines({ lost, typedBefore, typedSelection }: PassSummary): readonly string[] {
  const hidden = lost.length - FILES_SHOWN;
  const files = lost.map(({ file }) => shellWord(file)).join(' ');
  return [
    ...lost.slice(0, FILES_SHOWN).flatMap(({ file, claims, notJudged }) => {
      const what = `${notJudged} of ${counted(claims, 'claim')} not judged: the worker of this file is gone`;
      return ['', ...paragraph(what, { first: ` ${paint('red', '✗')} ${file}   `, indent: '   ' })];
    }),
    ...(hidden > 0 ? ['', ` … and ${counted(hidden, 'more file')}`] : []),
    ...(lost.length === 0
      ? []
      : [
          `   ${paint('dim', 'judge again')}  ${typedBefore}ASSAY_REUSE=prefer npx vitest run ${files}${typedSelection}`,
        ]),
  ];
}
