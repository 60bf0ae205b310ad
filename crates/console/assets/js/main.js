// @ts-check
// Entry of every page: each module upgrades what it finds, nothing is needed to read.
import { startForms } from "./forms.js";
import { startUpload } from "./upload.js";
import { startChat } from "./chat.js";
import { startTrace } from "./trace.js";
import { startVerify } from "./verify.js";
import { startTheme, startTimes } from "./frame.js";

startTheme();
startTimes();
startForms();
startUpload();
startTrace();
startVerify();
startChat();
