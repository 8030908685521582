/**
 * The titles a reader keeps while browsing: in this window's sessionStorage alone, gone when it closes.
 * Buttons [data-keep] put a title there or take it back; the section [data-shelf] shows them and leads its
 * <stadtfunk-recommendations> to them.
 */
(() => {
const KEY = "stadtfunk-shelf";
const MOST = 200;
const english = document.documentElement.lang === "en";
const TAKE = english ? "Remove" : "Entfernen";
const KEPT = english ? "Kept" : "Gemerkt";
const KEEP = english ? "Keep" : "Merken";

/** The kept titles, oldest first: pairs of id and title. */
function kept() {
  try {
    const pairs = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return pairs.filter((pair) => Array.isArray(pair) && pair.every((part) => typeof part === "string"));
  } catch {
    return []; // something else wrote there
  }
}

function put(pairs) {
  sessionStorage.setItem(KEY, JSON.stringify(pairs.slice(-MOST)));
  show();
}

function toggle(id, title) {
  const pairs = kept();
  put(pairs.some((pair) => pair[0] === id) ? pairs.filter((pair) => pair[0] !== id) : [...pairs, [id, title]]);
}

function show() {
  const pairs = kept();
  const ids = new Set(pairs.map((pair) => pair[0]));
  for (const button of document.querySelectorAll("[data-keep]")) {
    const on = ids.has(button.dataset.keep);
    button.hidden = false;
    button.setAttribute("aria-pressed", String(on));
    button.firstChild.data = on ? KEPT : KEEP;
  }
  const shelf = document.querySelector("[data-shelf]");
  if (!shelf) return;
  shelf.querySelector("[data-shelf-empty]").hidden = pairs.length > 0;
  shelf.querySelector("[data-shelf-full]").hidden = pairs.length === 0;
  const list = shelf.querySelector("[data-shelf-titles]");
  list.replaceChildren(
    ...pairs.map(([id, title], index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.append(`${title} `, Object.assign(document.createElement("span"), { textContent: "×", ariaHidden: "true" }));
      button.setAttribute("aria-label", `${TAKE}: ${title}`);
      button.addEventListener("click", () => {
        toggle(id, title);
        // The button is gone: the next one, or the heading's section, takes the focus.
        (list.querySelectorAll("button")[Math.min(index, list.children.length - 1)] ?? document.getElementById("wanted"))?.focus();
      });
      const item = document.createElement("li");
      item.append(button);
      return item;
    }),
  );
  shelf.querySelector("stadtfunk-recommendations").setAttribute("titles", [...ids].map(encodeURIComponent).join(" "));
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-keep]") : null;
  if (button) toggle(button.dataset.keep, button.dataset.title);
});
show();
})();
