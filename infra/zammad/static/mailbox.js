// Keeps a page of the mailbox up to date without taking the keyboard away from whoever uses it, and lets an agent
// edit a draft as it looks. Without JavaScript the page works by reloading, and the draft is edited as HTML.

const EVERY_MS = 1000;

class DeskEditor extends HTMLElement {
  connectedCallback() {
    this.editor = this.querySelector(".editor");
    this.source = this.querySelector("textarea");
    this.warning = this.querySelector(".wrong");
    this.editor.hidden = false;
    this.editor.contentEditable = "true";
    this.source.hidden = true;
    this.editor.addEventListener("input", () => { this.edited = true; });
    this.editor.addEventListener("paste", (event) => {
      // Text only: what a page looked like is not to end in a letter of the city.
      event.preventDefault();
      document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
    });
    this.closest("form").addEventListener("submit", () => { this.source.value = this.editor.innerHTML; });
  }

  // Takes a new draft over unless somebody has begun to write here.
  take(fresh) {
    if (this.edited) {
      this.warning.textContent = this.dataset.changed;
      this.warning.hidden = false;
      return false;
    }
    this.editor.replaceChildren(...fresh.childNodes);
    return true;
  }
}
customElements.define("desk-editor", DeskEditor);

const main = document.getElementById("main");
const news = document.getElementById("news");
let seen = Number(main.dataset.changes);

async function look() {
  const told = await (await fetch("/changes")).json();
  if (told.changes === seen) return;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  seen = Number(page.getElementById("main").dataset.changes);
  const said = [];
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!fresh) continue;
    const before = part.dataset.drawn ?? part.innerHTML;
    if (fresh.innerHTML === before) continue;
    part.dataset.drawn = fresh.innerHTML;
    const editor = part.closest("desk-editor");
    if (editor) editor.take(fresh);
    else replace(part, fresh);
    if (part.dataset.said) said.push(part.dataset.said);
  }
  if (said.length) news.textContent = said.join(" ");
}

// Only what is new is put in: a link that has the focus stays the same element.
function replace(part, fresh) {
  const old = [...part.children];
  const next = [...fresh.children];
  if (!next.length || !old.length) {
    part.replaceChildren(...fresh.childNodes);
    return;
  }
  const kept = new Map(old.map((element) => [element.outerHTML, element]));
  const focused = document.activeElement;
  const wanted = next.map((element) => kept.get(element.outerHTML) ?? element);
  for (const element of old) if (!wanted.includes(element)) element.remove();
  let place = part.firstElementChild;
  for (const element of wanted) {
    if (element === place) place = place.nextElementSibling;
    else part.insertBefore(element, place);
  }
  if (focused !== document.activeElement && focused?.isConnected) focused.focus();
}

(async () => {
  for (;;) {
    await new Promise((done) => { setTimeout(done, EVERY_MS); });
    if (document.hidden) continue;
    try {
      await look();
    } catch {
      // The help desk is being restarted; the next look finds it again.
    }
  }
})();
