/** A step into a document: a field name or an index. */
export type PathStep = string | number;

/** A value with the places of its fields or items. */
export interface YamlNode {
  readonly value: unknown;
  readonly entries: ReadonlyMap<PathStep, Entry>;
  /** Values inside, itself included, aliases written out. */
  readonly size: number;
  /** Levels of nesting below it. */
  readonly height: number;
}

/** A field or an item. */
export interface Entry {
  /** Where the field's name or the item begins. */
  readonly offset: number;
  readonly node: YamlNode;
}

const NO_ENTRIES: YamlNode['entries'] = new Map();

/** A value without anything inside. */
export function scalarNode(value: unknown): YamlNode {
  return { value, entries: NO_ENTRIES, size: 1, height: 0 };
}

/** A list, or any other value made of entries. */
export function collectionNode(value: unknown, entries: YamlNode['entries']): YamlNode {
  let size = 1;
  let height = 0;
  for (const { node } of entries.values()) {
    size += node.size;
    height = Math.max(height, node.height);
  }
  return { value, entries, size, height: height + 1 };
}

/** A mapping of fields. */
export function mappingNode(entries: YamlNode['entries']): YamlNode {
  return collectionNode(Object.fromEntries([...entries].map(([name, { node }]) => [name, node.value])), entries);
}

/** Both mappings in one, the fields of the first before those of the second; the first, unless both are mappings. */
export function mergeNodes(first: YamlNode, second: YamlNode): YamlNode {
  if (!isMapping(first) || !isMapping(second)) return first;
  return mappingNode(new Map([...second.entries, ...first.entries]));
}

function isMapping({ value }: YamlNode): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
