import { DuckDBTableFunction, INTEGER } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchFeed } from './batch-feed.ts';
import { sqlName } from '../duckdb.ts';
import { transfers } from './transfer.ts';

const NAME = 'assay_feed';

// A table function belongs to the database and cannot be dropped: one is registered, and its argument says which feed.
const feeds = new Map<number, BatchFeed>();
let lastId = 0;
let isRegistered = false;

/** Runs `use` with the SELECT that reads this feed, in the types its table declares. */
export async function withFeed(
  connection: DuckDBConnection,
  feed: BatchFeed,
  use: (select: string) => Promise<void>,
): Promise<void> {
  if (!isRegistered) connection.registerTableFunction(feedFunction());
  isRegistered = true;
  lastId += 1;
  const id = lastId;
  feeds.set(id, feed);
  try {
    const columns = feed.table.columns.map(
      ({ name, type }) => `${transfers[type].restore(sqlName(name))} AS ${sqlName(name)}`,
    );
    await use(`SELECT ${columns.join(', ')} FROM ${NAME}(${id})`);
  } finally {
    feeds.delete(id);
  }
}

function feedFunction(): DuckDBTableFunction {
  return DuckDBTableFunction.create({
    name: NAME,
    parameterTypes: [INTEGER],
    bindFunction(info) {
      const feed = feeds.get(Number(info.getParameter(0)));
      if (!feed) throw new Error(`No feed ${String(info.getParameter(0))} is open.`);
      for (const { name, type } of feed.table.columns) info.addResultColumn(name, transfers[type].carrier);
      info.setBindData(feed);
    },
    // One reader keeps the order of the rows.
    initFunction: (info) => info.setMaxThreads(1),
    mainFunction: (info, chunk) => (info.bindData as BatchFeed).fill(chunk),
  });
}
