// Prints a compiled contract of this folder as JSON, for the scripts of other languages.

import { compile } from "./_setup.mjs";

console.log(JSON.stringify(compile(process.argv[2])));
