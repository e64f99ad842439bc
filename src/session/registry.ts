import type { Framework } from '../lifecycle/adapter.ts';
import { llamaCpp } from '../adapters/llama-cpp/index.ts';

/** Every framework there is: a new one is one folder under adapters/ and one line here. */
export const frameworks: readonly Framework[] = [llamaCpp];
