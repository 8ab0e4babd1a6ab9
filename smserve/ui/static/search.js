// The page to search with: what is searched with, and what is done with the hits. The server makes the HTML.

import { Crop } from "./crop.js";

const $ = (id) => document.getElementById(id);
const form = $("question"), answers = $("answers"), status = $("status"), preview = $("preview"), why = $("why");

const EVERY_MS = 2000; // between tries, while the server is away or full
const narrow = matchMedia("(max-width: 800px)"); // the hits lie below the form

const mostBytes = Number(form.dataset.mostBytes);

let query = null; // {file} or {item}
let running = null; // the search that is under way
let shown = null; // the preview's address
let told = null; // the latest answer
let waiting = null; // the timer of the next try

const crop = new Crop({
  stage: $("stage"), box: $("box"), ranges: [...document.querySelectorAll("[data-edge]")], reset: $("uncrop"),
  changed: () => search(),
});

/** The form's fields with what is searched with, and further ones. */
function question(more = {}) {
  const fields = new FormData(form);
  fields.delete("picture");
  if (query.file) {
    fields.set("picture", query.file, query.file.name || "pasted");
    fields.set("crop", crop.text);
  } else {
    fields.set("item_id", query.item);
  }
  for (const [name, value] of Object.entries(more)) fields.set(name, value);
  return fields;
}

/** The answer of this page's own server, which may be gone. */
async function post(path, fields, signal) {
  const picture = fields.get("picture");
  if (picture?.size > mostBytes) {
    const sizes = [picture.size, mostBytes].map((bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`);
    return failure("This picture is too large", `It has ${sizes[0]}, and ${sizes[1]} are taken. Use a smaller one.`);
  }
  try {
    const answer = await fetch(path, { method: "POST", body: fields, signal });
    return { ok: answer.ok, type: answer.headers.get("content-type") ?? "", text: await answer.text() };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return failure("This page has lost its own server", "Start `smserve ui` again.", { again: true });
  }
}

/** What went wrong, as the server would write it; `again` when another try may help. */
function failure(title, message, { again = false } = {}) {
  const box = document.createElement("div");
  box.className = "failure";
  box.dataset.title = title;
  const heading = Object.assign(document.createElement("h2"), { textContent: title, tabIndex: -1 });
  box.append(heading, Object.assign(document.createElement("p"), { textContent: message }));
  if (again) {
    const button = '<div class="again"><button type="button" data-action="again">Try now</button></div>';
    box.insertAdjacentHTML("beforeend", button);
  }
  return { ok: false, type: "text/html", text: box.outerHTML };
}

/** Put an answer into an element; one that is no HTML becomes a failure. */
function fill(element, answer) {
  const shown = answer.type.startsWith("text/html") ? answer : failure("The page refuses", answer.text);
  element.innerHTML = shown.text;
}

/** Search again by itself, in silence while nothing changes. */
function later() {
  clearTimeout(waiting);
  if (answers.querySelector("[data-action=again]")) waiting = setTimeout(() => search({ quiet: true }), EVERY_MS);
}

async function search({ quiet = false } = {}) {
  if (!query) {
    status.textContent = "Choose a picture first.";
    return;
  }
  clearTimeout(waiting);
  running?.abort();
  const mine = (running = new AbortController());
  const inside = answers.contains(document.activeElement);
  if (!quiet) {
    status.textContent = "Searching…";
    answers.setAttribute("aria-busy", "true");
  }
  let answer;
  try {
    answer = await post("/search", question(), mine.signal);
  } catch {
    return; // a newer search has taken its place
  }
  if (quiet && answer.text === told) {
    later();
    return;
  }
  told = answer.text;
  fill(answers, answer);
  answers.removeAttribute("aria-busy");
  status.textContent = answer.ok
    ? [...answers.querySelectorAll(".answer")].map((one) => `${one.dataset.hits} hits in ${one.dataset.title}`).join("; ")
    : answers.querySelector("[data-title]").dataset.title;
  later();
  if (inside) answers.querySelector("h2")?.focus({ preventScroll: true });
  if (narrow.matches) status.scrollIntoView();
}

/** Search with something else. */
function ask(next, address, name) {
  query = next;
  if (shown?.startsWith("blob:")) URL.revokeObjectURL(shown);
  shown = address;
  preview.alt = `The picture to search with: ${name}`;
  $("stage").hidden = !address;
  $("unshown").hidden = Boolean(address);
  $("unshown").textContent = name;
  if (address) preview.src = address;
  $("cropping").hidden = !next.file;
  $("drop").classList.add("filled");
  crop.reset();
  search();
}

function askFile(file) {
  if (file) ask({ file }, URL.createObjectURL(file), file.name || "pasted");
}

preview.addEventListener("error", () => {
  $("stage").hidden = true;
  $("unshown").hidden = false;
});
$("picture").addEventListener("change", (event) => askFile(event.target.files[0]));
document.addEventListener("paste", (event) => askFile(event.clipboardData.files[0]));
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, (event) => { event.preventDefault(); $("drop").classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) $("drop").classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  $("drop").classList.remove("over");
  askFile(event.dataTransfer.files[0]);
});

form.addEventListener("submit", (event) => { event.preventDefault(); search(); });
form.gallery.addEventListener("change", offerStaged);
form.querySelector(".fields").addEventListener("change", () => { if (query && form.reportValidity()) search(); });
offerStaged();

/** Only some galleries have a staged model to compare with. */
function offerStaged() {
  const staged = form.other?.querySelector("[value=staged]");
  if (!staged) return;
  staged.disabled = !("staged" in (form.gallery.selectedOptions[0]?.dataset ?? {}));
  if (staged.disabled && staged.selected) form.other.value = "";
}

answers.addEventListener("click", (event) => {
  const button = event.target.closest("[data-action]");
  if (!button) return;
  const hit = button.closest(".hit");
  if (button.dataset.action === "again") search();
  if (button.dataset.action === "search") ask({ item: hit.dataset.item }, hit.querySelector("img")?.src, hit.dataset.item);
  if (button.dataset.action === "why") explain(hit);
  if (button.dataset.action === "judge") judge(hit, button);
});

function place(hit) {
  const { gallery, staged } = hit.closest(".answer").dataset;
  return { gallery, staged, other: "", hit: hit.dataset.item };
}

async function explain(hit) {
  $("why-content").textContent = "Covering the pictures part by part…";
  why.showModal();
  fill($("why-content"), await post("/similarity", question(place(hit))));
}

async function judge(hit, pressed) {
  const verdict = pressed.getAttribute("aria-pressed") === "true" ? "" : pressed.dataset.verdict;
  const { label, score } = hit.dataset;
  const model_fingerprint = hit.closest(".answer").dataset.model;
  const answer = await post("/judgement", question({ ...place(hit), verdict, label, score, model_fingerprint }));
  if (!answer.ok) {
    fill($("why-content"), answer);
    why.showModal();
    return;
  }
  for (const same of answers.querySelectorAll(".hit")) { // it may stand on both sides
    if (place(same).gallery !== place(hit).gallery || same.dataset.item !== hit.dataset.item) continue;
    for (const button of same.querySelectorAll("[data-verdict]")) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
    }
  }
  const { judged } = JSON.parse(answer.text);
  $("judged").textContent = judged;
  $("export").hidden = judged === 0;
}
