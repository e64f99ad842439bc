/** GB, of 10^9 bytes, in a GiB: what programs print as GB is often GiB, and `mem_used_gb` is one unit for all of them. */
export const GB_PER_GIB = 2 ** 30 / 1e9;
