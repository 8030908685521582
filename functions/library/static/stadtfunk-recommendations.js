/**
 * <stadtfunk-recommendations>: titles that go with one title or with several, each with its reason, for any page.
 *
 *   titles     ids of the titles to start from, separated by spaces and percent-encoded where they hold any; empty
 *              shows the library's own choice
 *   endpoint   address of the host; without it the one this script came from
 *   language   of the interface, "de" or "en"; without it that of the page around
 *   count      how many titles, 1 to 50; without it 8
 *   link       address of a title's page with "{id}" in it; without it the title's own address
 *   branch     only titles that are available at this branch
 *   controls   "off": no filters and dials
 *
 * The ids are sent to the host, which answers and forgets them; nothing is kept here either. Custom properties
 * --stadtfunk-* set its look (docs/library.md). What the interface answers is untrusted and only ever set as text.
 * One classic script without imports, so that a page needs no CORS to load it, only to ask.
 */
(() => {
const HOME = document.currentScript?.src ?? location.href;
const COUNT = 8;
const MOST_TITLES = 200;
const PATIENCE_MS = 10_000;
const PAUSE_MS = 250; // a dial that moves asks once it rests

const STYLES = `
.frame {
  --accent: var(--stadtfunk-accent, light-dark(#0b5560, #7fd0d3));
  --accent-strong: var(--stadtfunk-accent-strong, light-dark(#073d46, #a9e4e5));
  --surface: var(--stadtfunk-surface, light-dark(#fff, #172429));
  --ink: var(--stadtfunk-ink, light-dark(#15242b, #e9eeec));
  --soft: var(--stadtfunk-soft, light-dark(#4c5d65, #a9b8bb));
  --line: var(--stadtfunk-line, light-dark(#d9d8cd, #2b3d44));
  --edge: var(--stadtfunk-edge, light-dark(#7d8b90, #7b8e95));
  --tint: var(--stadtfunk-tint, light-dark(#e0eeee, #1b363b));
  --bad: var(--stadtfunk-bad, light-dark(#a8201a, #ff9d94));
  --round: var(--stadtfunk-round, 0.625rem);
  container-type: inline-size;
  color: var(--ink);
  font-family: var(--stadtfunk-font, inherit);
  font-size: var(--stadtfunk-size, inherit);
  line-height: 1.5;
  overflow-wrap: break-word;
  text-align: start;
}
:host { display: block; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h3, p, ol { margin: 0; }
ol { padding: 0; list-style: none; }
a { color: var(--accent); text-decoration-thickness: 0.07em; text-underline-offset: 0.2em; }
a:hover { color: var(--accent-strong); text-decoration-thickness: 0.13em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25em; }

.controls { margin-bottom: 1em; font-size: 0.9375em; }
summary { width: fit-content; color: var(--accent); cursor: pointer; }
summary:hover { color: var(--accent-strong); text-decoration: underline; text-underline-offset: 0.2em; }
.choices { display: flex; flex-wrap: wrap; gap: 0.75em 1.75em; margin-top: 0.75em; }
.choices label { display: grid; gap: 0.25em; color: var(--soft); }
.choices select {
  min-width: 9em; max-width: 16em; padding: 0.3em 0.5em; background: var(--surface); color: var(--ink);
  border: 1px solid var(--edge); border-radius: 0.375em; font: inherit;
}
.choices input { width: 14em; max-width: 100%; accent-color: var(--accent); }
.ends { display: flex; justify-content: space-between; font-size: 0.875em; }

.status-line { min-height: 1.5em; margin-bottom: 0.75em; color: var(--soft); font-size: 0.9375em; }
.status-line.failed { color: var(--bad); }
.button {
  padding: 0.5em 1.2em; background: var(--surface); color: var(--accent); border: 1px solid var(--edge);
  border-radius: var(--round); font: inherit; cursor: pointer;
}
.titles { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17em, 100%), 1fr)); gap: 1em; }
.titles[aria-busy="true"] { opacity: 0.55; }
.title {
  display: grid; grid-template-columns: 3.4em minmax(0, 1fr); gap: 0.9em; padding: 1em; background: var(--surface);
  border: 1px solid var(--line); border-radius: var(--round); hyphens: auto;
}
.cover {
  display: grid; place-items: center; width: 3.4em; height: 4.9em; border-radius: 0.2em 0.4em 0.4em 0.2em;
  background: oklch(0.46 0.07 var(--hue)); color: #fff; font-size: 1em; font-weight: 600;
  box-shadow: inset 0.35em 0 0 oklch(0.38 0.07 var(--hue));
}
.title div { min-width: 0; overflow-wrap: anywhere; }
.title h3 { font-size: 1.0625em; font-weight: 650; line-height: 1.25; }
.by { color: var(--soft); font-size: 0.9375em; }
.reason { margin-top: 0.45em; font-size: 0.9375em; }
.there {
  display: inline-block; margin-top: 0.5em; padding: 0.1em 0.65em; background: var(--tint);
  color: var(--accent-strong); border-radius: 1em; font-size: 0.875em;
}
.kept { margin-top: 0.9em; color: var(--soft); font-size: 0.875em; }
@media (prefers-reduced-motion: no-preference) { .titles { transition: opacity 120ms; } }
@media (forced-colors: active) { .cover { border: 1px solid; } }
@media print { .controls { display: none; } }
`;

const TEXTS = {
  de: {
    list: "Empfehlungen",
    adjust: "Auswahl anpassen",
    all: "alle",
    available_at: "Verfügbar in",
    medium: "Medium",
    language: "Sprache",
    age_group: "Alter",
    discover: "Bekanntheit",
    discover_ends: ["gern entliehen", "selten entdeckt"],
    diversity: "Bandbreite",
    diversity_ends: ["ganz ähnlich", "vielfältig"],
    loading: "Passende Titel werden gesucht …",
    found: (count) => (count === 1 ? "1 Titel" : `${count} Titel`),
    none: "Dazu gibt es keine passenden Titel. Vielleicht hilft es, einen Filter zurückzunehmen.",
    failed: "Die Empfehlungen sind gerade nicht erreichbar.",
    busy: "Gerade kommen zu viele Anfragen. Bitte warten Sie einen Augenblick.",
    unreachable: "Die Empfehlungen sind von dieser Seite aus nicht erreichbar. Vielleicht darf die Seite sie nicht einbinden.",
    again: "Noch einmal versuchen",
    there: (branches) => `Verfügbar: ${branches.join(", ")}`,
    kept: "Ihre Auswahl wird nicht gespeichert.",
    quote: (title) => `„${title}“`,
    and: " und ",
    words: {
      book: "Buch", audiobook: "Hörbuch", ebook: "E-Book", film: "Film", music: "Musik", game: "Spiel", magazine: "Zeitschrift",
      adults: "Erwachsene", teens: "Jugendliche", children: "Kinder",
    },
    reasons: {
      loans: ({ titles }) => `Oft zusammen entliehen mit ${titles}`,
      author: ({ subjects }) => `Ebenfalls von ${subjects}`,
      subjects: ({ titles, subjects }) => `Gleiche Themen wie ${titles}: ${subjects}`,
      content: ({ titles }) => `Ähnlich beschrieben wie ${titles}`,
      popular: () => "Wird gern entliehen",
      curated: ({ subjects }) => `Aus der Auswahl der Bibliothek: ${subjects}`,
    },
  },
  en: {
    list: "Recommendations",
    adjust: "Adjust the choice",
    all: "all",
    available_at: "Available at",
    medium: "Medium",
    language: "Language",
    age_group: "Age",
    discover: "How well known",
    discover_ends: ["often borrowed", "seldom found"],
    diversity: "Range",
    diversity_ends: ["much alike", "varied"],
    loading: "Looking for titles that fit …",
    found: (count) => (count === 1 ? "1 title" : `${count} titles`),
    none: "No titles go with this. Taking back a filter may help.",
    failed: "The recommendations cannot be reached right now.",
    busy: "Too many requests right now. Please wait a moment.",
    unreachable: "The recommendations cannot be reached from this page. Perhaps the page may not embed them.",
    again: "Try again",
    there: (branches) => `Available: ${branches.join(", ")}`,
    kept: "Your selection is not stored.",
    quote: (title) => `“${title}”`,
    and: " and ",
    words: { ebook: "e-book" },
    reasons: {
      loans: ({ titles }) => `Often borrowed together with ${titles}`,
      author: ({ subjects }) => `Also by ${subjects}`,
      subjects: ({ titles, subjects }) => `Same subjects as ${titles}: ${subjects}`,
      content: ({ titles }) => `Described much like ${titles}`,
      popular: () => "Often borrowed",
      curated: ({ subjects }) => `From the library’s own choice: ${subjects}`,
    },
  },
};
const FILTERS = ["available_at", "medium", "language", "age_group"];
const DIALS = ["discover", "diversity"];

/** An element with properties (attributes where it has no such property) and children; strings become text. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** The address if it is http(s), else null. */
function safe(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** An id as it stands in an attribute, read. */
function decoded(id) {
  try {
    return decodeURIComponent(id);
  } catch {
    return id; // a percent sign of its own
  }
}

/** A language's name, in one of ours. */
function language_name(tag, own) {
  try {
    return new Intl.DisplayNames([own], { type: "language" }).of(tag);
  } catch {
    return tag; // no language tag: shown as it came
  }
}

/** A colour for a title, always the same one: degrees on the colour circle. */
function hue(id) {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return sum;
}

class StadtfunkRecommendations extends HTMLElement {
  static observedAttributes = ["titles", "endpoint", "language", "count", "link", "branch", "controls"];
  #root = null;
  #own = "de";
  #texts = TEXTS.de;
  #parts = {};
  #request = null;
  #pause = null;

  connectedCallback() {
    if (!this.#root) {
      this.#root = this.attachShadow({ mode: "open" });
      const styles = new CSSStyleSheet();
      styles.replaceSync(STYLES);
      this.#root.adoptedStyleSheets = [styles];
      this.#build();
    }
    this.#ask();
  }

  disconnectedCallback() {
    clearTimeout(this.#pause);
    this.#request?.abort();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.#root || before === now) return;
    if (name === "language" || name === "controls") this.#build();
    this.#soon();
  }

  #build() {
    const wished = this.getAttribute("language") ?? this.closest("[lang]")?.lang ?? "";
    this.#own = wished.toLowerCase().startsWith("en") ? "en" : "de";
    const t = (this.#texts = TEXTS[this.#own]);
    const inputs = {};
    const choices = make("div", { className: "choices" });
    for (const name of FILTERS) {
      inputs[name] = make("select", { name }, make("option", { value: "" }, t.all));
      inputs[name].addEventListener("change", () => this.#soon());
      choices.append(make("label", { hidden: true }, t[name], inputs[name]));
    }
    for (const name of DIALS) {
      inputs[name] = make("input", { type: "range", name, min: "0", max: "1", step: "0.25", value: "0.25" });
      inputs[name].addEventListener("input", () => this.#soon());
      const [low, high] = t[`${name}_ends`];
      const ends = make("span", { className: "ends", "aria-hidden": "true" }, make("span", {}, low), make("span", {}, high));
      inputs[name].setAttribute("aria-label", `${t[name]}: ${low} – ${high}`);
      choices.append(make("label", {}, t[name], inputs[name], ends));
    }
    const shut = this.getAttribute("controls") === "off";
    const controls = make("details", { className: "controls", hidden: shut }, make("summary", {}, t.adjust), choices);
    const status = make("p", { className: "status-line", role: "status" });
    const titles = make("ol", { className: "titles", "aria-label": t.list });
    const below = make("div", { className: "below" });
    this.#parts = { inputs, status, titles, below };
    this.#root.replaceChildren(make("div", { className: "frame", lang: this.#own }, controls, status, titles, below));
  }

  #soon() {
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#ask(), PAUSE_MS);
  }

  get #given() {
    return (this.getAttribute("titles") ?? "").split(/\s+/).filter(Boolean).slice(-MOST_TITLES).map(decoded);
  }

  #wish() {
    const { inputs } = this.#parts;
    const count = Math.min(50, Math.max(1, Number.parseInt(this.getAttribute("count"), 10) || COUNT));
    const wish = { titles: this.#given, count };
    for (const name of FILTERS) if (inputs[name].value) wish[name] = inputs[name].value;
    for (const name of DIALS) wish[name] = Number(inputs[name].value);
    if (this.hasAttribute("branch") && !wish.available_at) wish.available_at = this.getAttribute("branch");
    return wish;
  }

  async #ask() {
    const t = this.#texts;
    const { titles } = this.#parts;
    this.#request?.abort();
    const request = (this.#request = new AbortController());
    const patience = setTimeout(() => request.abort(new DOMException("", "TimeoutError")), PATIENCE_MS);
    const address = new URL("/api/library/recommendations", new URL(this.getAttribute("endpoint") || "/", HOME));
    titles.setAttribute("aria-busy", "true");
    this.#say(t.loading);
    try {
      const response = await fetch(address, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify(this.#wish()),
        referrerPolicy: "no-referrer",
        signal: request.signal,
      });
      if (response.ok) this.#show(await response.json());
      else this.#fail(response.status === 429 ? t.busy : t.failed);
    } catch (error) {
      // A newer wish took over: that one speaks.
      if (error.name === "AbortError") return;
      const foreign = error instanceof TypeError && address.origin !== location.origin;
      if (foreign) console.error(`stadtfunk-recommendations: ${address.origin} must allow the origin ${location.origin}`);
      this.#fail(foreign ? t.unreachable : t.failed);
    } finally {
      clearTimeout(patience);
      if (this.#request === request) titles.setAttribute("aria-busy", "false");
    }
  }

  #say(text, failed = false) {
    this.#parts.status.textContent = text;
    this.#parts.status.classList.toggle("failed", failed);
  }

  #fail(text) {
    this.#parts.titles.replaceChildren();
    const again = make("button", { type: "button", className: "button" }, this.#texts.again);
    again.addEventListener("click", () => this.#ask());
    this.#parts.below.replaceChildren(again);
    this.#say(text, true);
  }

  #show(answer) {
    const t = this.#texts;
    for (const name of FILTERS) this.#offer(this.#parts.inputs[name], answer.facets[name] ?? []);
    this.#parts.titles.replaceChildren(...answer.recommendations.map((one) => this.#title(one)));
    this.#parts.below.replaceChildren(...(this.#given.length > 1 ? [make("p", { className: "kept" }, t.kept)] : []));
    this.#say(answer.recommendations.length ? t.found(answer.recommendations.length) : t.none);
  }

  /** Adds values to a filter's options and shows it; what was seen once stays, so that a choice can be changed. */
  #offer(select, values) {
    const known = new Set(Array.from(select.options, (option) => option.value));
    for (const value of values) {
      if (!known.has(value)) select.append(make("option", { value }, this.#word(value, select.name)));
    }
    select.parentElement.hidden = select.options.length < 3;
  }

  /** A catalogue's word as people say it: what the library calls by a common English word, and languages. */
  #word(value, name) {
    return name === "language" ? language_name(value, this.#own) : this.#texts.words[value] ?? value;
  }

  #title(one) {
    const t = this.#texts;
    const template = this.getAttribute("link");
    const address = template ? safe(template.replace("{id}", encodeURIComponent(one.id))) : one.url ? safe(one.url) : null;
    const cover = make("span", { className: "cover", "aria-hidden": "true" }, Array.from(one.title)[0] ?? "");
    cover.style.setProperty("--hue", hue(one.id));
    const by = [one.author, one.year, this.#word(one.medium, "medium")].filter(Boolean).join(" · ");
    const text = make(
      "div",
      {},
      make("h3", { lang: one.language }, address ? make("a", { href: address }, one.title) : one.title),
      by ? make("p", { className: "by" }, by) : null,
      make("p", { className: "reason" }, this.#reason(one.reason)),
      one.branches.length ? make("p", { className: "there" }, t.there(one.branches)) : null,
    );
    return make("li", {}, make("article", { className: "title" }, cover, text));
  }

  /** The reason in words: facts about titles, never about people. */
  #reason(reason) {
    const t = this.#texts;
    const list = (names) => names.join(", ").replace(/, ([^,]*)$/, `${t.and}$1`);
    const say = t.reasons[reason.kind] ?? t.reasons.popular;
    const titles = reason.titles.map((title) => t.quote(title.title));
    return say({ titles: titles.length < 2 ? titles.join("") : titles.slice(0, -1).join(", ") + t.and + titles.at(-1), subjects: list(reason.subjects) });
  }
}

if (!customElements.get("stadtfunk-recommendations")) {
  customElements.define("stadtfunk-recommendations", StadtfunkRecommendations);
}
})();
