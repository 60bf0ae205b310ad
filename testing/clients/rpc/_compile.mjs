// Prints the compiled contract as JSON, for the scripts of other languages.

import { compile } from "./_setup.mjs";

console.log(JSON.stringify(compile()));
