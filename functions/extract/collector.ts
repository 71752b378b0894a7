// How often V8 collects garbage in the extractor.
import { setFlagsFromString } from "node:v8";

/** How far the heap grows from one collection to the next, percent of what the last one left. */
const GROWTH = 300;

/**
 * Lets four times what is in use fill up before it is collected. An extractor holds little but moves much: buffers that
 * were received count for V8, which by default begins a collection each 10 to 20 MB of them. That took a third of the
 * CPU; the rarer ones cost 20 to 40 MB of memory. There is no way to give a Lambda's Node this flag at its start
 * (NODE_OPTIONS does not take it), and V8 reads it again at each collection.
 */
export function collectRarely(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH}`);
}
