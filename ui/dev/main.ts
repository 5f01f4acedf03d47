// The screens without a shell: `npm run dev`, then /dev/index.html?case=…#/today. Not part of the build.

import { pretend } from './shell';

pretend(new URLSearchParams(location.search));
await import('../src/main');

export {};
