/** The index of the first value that is NaN or infinite; -1 when there is none. */
export function findFault(values: Float64Array): number {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) return index;
  }
  return -1;
}

/** How many values are NaN or infinite. */
export function countFaults(values: Float64Array): number {
  let faults = 0;
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) faults++;
  }
  return faults;
}
