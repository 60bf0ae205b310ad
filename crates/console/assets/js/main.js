// @ts-check
// Entry of every page: each module upgrades what it finds, nothing is needed to read.
import { startForms } from "./forms.js";
import { startUpload } from "./upload.js";
import { startChat } from "./chat.js";
import { startDrafts } from "./draft.js";
import { startNews } from "./news.js";
import { startTrace } from "./trace.js";
import { startVerify } from "./verify.js";
import { startTheme, startTimes } from "./frame.js";

startTheme();
startTimes();
startNews();
startDrafts();
startForms();
startUpload();
startTrace();
startVerify();
startChat();
