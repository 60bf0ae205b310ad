// @ts-check
// Files and samples go to the check without a page in between; files can be dropped.
import { during, fill, say, upload } from "./api.js";

/** @param {HTMLFormElement} form */
async function sendSample(form) {
  say(form, "Fetching the sample…", true);
  const response = await fetch(form.action, { headers: { accept: "text/plain" } });
  if (!response.ok) throw new TypeError("no sample");
  say(form, "Checking every row…", true);
  const answer = await upload(form.dataset.sample ?? "", "sample.jsonl", await response.blob());
  window.location.assign(fill(form.dataset.next ?? "/", answer));
}

/** @param {HTMLFormElement} form */
async function sendFile(form) {
  const input = form.querySelector("input[type=file]");
  const file = input instanceof HTMLInputElement ? input.files?.[0] : undefined;
  if (!file) return;
  say(form, `Checking ${file.name}…`, true);
  const answer = await upload(form.action, file.name, file);
  window.location.assign(fill(form.dataset.next ?? "/", answer));
}

/** @param {HTMLFormElement} form */
function acceptDrops(form) {
  const zone = form.querySelector(".dropzone");
  const input = form.querySelector("input[type=file]");
  if (!(zone instanceof HTMLElement) || !(input instanceof HTMLInputElement)) return;
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer?.files.length) return;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}

/** Upgrades both forms of the contribute page. */
export function startUpload() {
  for (const form of document.querySelectorAll("form[data-sample], form[data-upload]")) {
    if (!(form instanceof HTMLFormElement)) continue;
    const act = form.dataset.sample ? sendSample : sendFile;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void during(form, () => act(form));
    });
    if (!form.dataset.sample) acceptDrops(form);
  }
}
