/** What an MP4 file says of its film. */
export interface Film {
  readonly frames: number;
  /** Playing time. */
  readonly durationMs: number;
}

interface Box {
  readonly type: string;
  readonly content: Buffer;
}

/** Reads the first film of an MP4 file (ISO/IEC 14496-12); null when its boxes do not tell of one. */
export function readMp4(bytes: Buffer): Film | null {
  const tracks = boxesIn(child(bytes, ['moov']) ?? Buffer.alloc(0)).filter(({ type }) => type === 'trak');
  const films = tracks.map(({ content }) => filmOf(content)).filter((film) => film !== null);
  return films[0] ?? null;
}

function filmOf(track: Buffer): Film | null {
  const media = child(track, ['mdia']);
  if (media === null) return null;
  const handler = child(media, ['hdlr']);
  const header = child(media, ['mdhd']);
  const sizes = child(media, ['minf', 'stbl', 'stsz']);
  if (handler?.toString('latin1', 8, 12) !== 'vide' || header === null || sizes === null || sizes.length < 12)
    return null;
  const durationMs = durationOf(header);
  const frames = sizes.readUInt32BE(8);
  return durationMs === null || frames === 0 ? null : { frames, durationMs };
}

/** Of a media header: version 1 has its moments and the duration in 64 bits. */
function durationOf(header: Buffer): number | null {
  const isLong = header[0] === 1;
  if (header.length < (isLong ? 32 : 20)) return null;
  const perSecond = header.readUInt32BE(isLong ? 20 : 12);
  const units = isLong ? Number(header.readBigUInt64BE(24)) : header.readUInt32BE(16);
  return perSecond === 0 || units === 0 ? null : (units / perSecond) * 1000;
}

/** The content of the first box on a path of types; null where there is none. */
function child(bytes: Buffer, path: readonly string[]): Buffer | null {
  let content = bytes;
  for (const wanted of path) {
    const box = boxesIn(content).find(({ type }) => type === wanted);
    if (box === undefined) return null;
    ({ content } = box);
  }
  return content;
}

/** The boxes of a file or a box, up to the first that does not fit into it. */
function boxesIn(bytes: Buffer): readonly Box[] {
  const boxes: Box[] = [];
  let at = 0;
  while (at + 8 <= bytes.length) {
    const short = bytes.readUInt32BE(at);
    const start = short === 1 ? 16 : 8;
    if (at + start > bytes.length) break;
    const length = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short === 0 ? bytes.length - at : short;
    if (length < start || at + length > bytes.length) break;
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), content: bytes.subarray(at + start, at + length) });
    at += length;
  }
  return boxes;
}
