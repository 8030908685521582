/**
 * <stadtfunk-search endpoint="/api/search" lang="de">: the search in a city's pages.
 *
 * What stands in its slot "start" shows as long as nothing was asked.
 * Keeps its question and filters in the address (q, category, language, easy), so that a result can be
 * shared. What the interface answers is untrusted and only ever set as text; links must be http(s).
 */

const STYLES = new URL("stadtfunk.css", import.meta.url).href;
const FIRST = 10;
const MOST = 50;
const PATIENCE_MS = 15_000;
const UNFOLDED = 3; // results whose facts all show at once
const READABLE = 480; // characters of passages that show at once
const SHORT = 64; // characters of a list that reads well in one line
const PREVIEW = 130; // characters of a long fact that show before "more"

const TEXTS = {
  de: {
    label: "Ihre Frage",
    placeholder: "zum Beispiel: Mein Hund zieht mit ein",
    submit: "Suchen",
    category: "Bereich",
    language: "Sprache",
    all: "alle",
    easy: "Leichte Sprache",
    results: "Ergebnisse",
    intro: "Fragen Sie in eigenen Worten, auch in einer anderen Sprache.",
    loading: "Die Suche läuft …",
    found: (count, query) => `${count === 1 ? "1 Seite" : `${count} Seiten`} zu „${query}“`,
    best: (count, query) => `Die ${count} besten Treffer zu „${query}“`,
    none: (query) => `Nichts gefunden zu „${query}“.`,
    advice: ["Beschreiben Sie es mit anderen Worten.", "Prüfen Sie die Schreibweise."],
    clear: "Filter aufheben",
    empty: "Noch sind keine Seiten eingelesen. Bitte versuchen Sie es gleich noch einmal.",
    degraded: "Die Suche nach dem Sinn ist gerade nicht erreichbar. Gezeigt wird, was den Wörtern nach passt.",
    failed: "Die Suche antwortet gerade nicht. Bitte versuchen Sie es gleich noch einmal.",
    busy: "Gerade kommen zu viele Anfragen. Bitte warten Sie einen Augenblick.",
    refused: "Diese Anfrage versteht die Suche nicht. Bitte fassen Sie sie kürzer.",
    again: "Noch einmal versuchen",
    more: "Mehr Ergebnisse zeigen",
    passages: (count) => (count === 1 ? "1 weitere Stelle" : `${count} weitere Stellen`),
    facts: "Auf einen Blick",
    fees: "Gebühren",
    duration: "Dauer",
    documents: "Unterlagen",
    payment: "Bezahlen",
    legal_basis: "Rechtsgrundlage",
    offices: "Zuständig",
    online: "Online erledigen",
    expand: "mehr",
  },
  en: {
    label: "Your question",
    placeholder: "for example: my dog is moving in",
    submit: "Search",
    category: "Area",
    language: "Language",
    all: "all",
    easy: "Easy language",
    results: "Results",
    intro: "Ask in your own words, in any language.",
    loading: "Searching …",
    found: (count, query) => `${count === 1 ? "1 page" : `${count} pages`} for “${query}”`,
    best: (count, query) => `The ${count} best results for “${query}”`,
    none: (query) => `Nothing found for “${query}”.`,
    advice: ["Describe it in other words.", "Check the spelling."],
    clear: "Clear filters",
    empty: "No pages have been read yet. Please try again in a moment.",
    degraded: "The search by meaning is out of reach right now. Shown is what fits by its words.",
    failed: "The search does not answer right now. Please try again in a moment.",
    busy: "Too many requests right now. Please wait a moment.",
    refused: "The search does not understand this request. Please make it shorter.",
    again: "Try again",
    more: "Show more results",
    passages: (count) => (count === 1 ? "1 more passage" : `${count} more passages`),
    facts: "At a glance",
    fees: "Fees",
    duration: "Duration",
    documents: "Documents",
    payment: "Payment",
    legal_basis: "Legal basis",
    offices: "Office in charge",
    online: "Do it online",
    expand: "more",
  },
};

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

/** The address if it is http(s), else null: a page may say javascript: or data:. */
function safe(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Characters with their highlighted spans as <mark>; ``from`` is the place of the first one in the text. */
function marked(characters, spans, from) {
  const parts = [];
  let at = 0;
  for (const [start, end] of spans.map((span) => [span[0] - from, span[1] - from]).sort((a, b) => a[0] - b[0])) {
    if (start < at || end <= start || end > characters.length) continue;
    parts.push(characters.slice(at, start).join(""), make("mark", {}, characters.slice(start, end).join("")));
    at = end;
  }
  parts.push(characters.slice(at).join(""));
  return parts;
}

/** The lines of a passage, those of a list as items. Offsets count characters, not UTF-16 units. */
function lines(text, spans) {
  const blocks = [];
  let at = 0;
  for (const line of text.split("\n")) {
    const skipped = line.match(/^\s*([-–•*]\s+)?/)[0].length; // of one unit each
    const characters = Array.from(line.slice(skipped));
    const name = /^\s*[-–•*]\s/.test(line) ? "line item" : "line";
    if (characters.length) blocks.push(make("span", { className: name }, ...marked(characters, spans, at + skipped)));
    at += skipped + characters.length + 1;
  }
  return blocks;
}

class StadtfunkSearch extends HTMLElement {
  #texts;
  #parts = {};
  #request = null;
  #limit = FIRST;
  #title = document.title;

  connectedCallback() {
    if (this.shadowRoot) return;
    this.#texts = TEXTS[this.lang.startsWith("en") ? "en" : "de"];
    const root = this.attachShadow({ mode: "open" });
    const body = this.#frame();
    const styles = make("link", { rel: "stylesheet", href: STYLES });
    // Shown once it is styled; without the stylesheet it works as well.
    body.hidden = true;
    const show = () => {
      body.hidden = false;
    };
    styles.addEventListener("load", show);
    styles.addEventListener("error", show);
    root.append(styles, body);
    window.addEventListener("popstate", this.#restore);
    this.#restore();
  }

  disconnectedCallback() {
    window.removeEventListener("popstate", this.#restore);
    this.#request?.abort();
  }

  #frame() {
    const t = this.#texts;
    const query = make("input", {
      id: "query",
      type: "search",
      name: "q",
      maxLength: 500,
      autocomplete: "off",
      placeholder: t.placeholder,
      enterKeyHint: "search",
    });
    const category = make("select", { name: "category" }, make("option", { value: "" }, t.all));
    const language = make("select", { name: "language" }, make("option", { value: "" }, t.all));
    const easy = make("input", { type: "checkbox", name: "easy" });
    const form = make(
      "form",
      { role: "search" },
      make(
        "div",
        { className: "search-form" },
        make("label", { htmlFor: "query", className: "visually-hidden" }, t.label),
        query,
        make("button", { type: "submit", className: "button" }, t.submit),
      ),
      make(
        "div",
        { className: "filters" },
        make("label", {}, t.category, category),
        make("label", {}, t.language, language),
        make("label", {}, easy, t.easy),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    for (const filter of [category, language, easy]) filter.addEventListener("change", () => this.#begin());
    const start = make("div", { className: "start" }, make("slot", { name: "start" }));
    const status = make("p", { className: "status-line", role: "status" });
    const heading = make("h2", { className: "visually-hidden", hidden: true }, t.results);
    const hits = make("ol", { className: "hits" });
    const below = make("div", { className: "below" });
    const results = make("div", { className: "results", "aria-busy": "false" }, heading, hits, below);
    this.#parts = { query, category, language, easy, start, status, heading, hits, below, results };
    return make("div", { lang: t === TEXTS.en ? "en" : "de" }, form, start, status, results);
  }

  /** Takes question and filters from the address; runs at start and on back and forward. */
  #restore = () => {
    const { query, category, language, easy } = this.#parts;
    const address = new URLSearchParams(location.search);
    query.value = address.get("q") ?? "";
    for (const [select, name] of [[category, "category"], [language, "language"]]) {
      const value = address.get(name) ?? "";
      this.#offer(select, value ? [value] : []);
      select.value = value;
    }
    easy.checked = address.get("easy") === "true";
    this.#limit = FIRST;
    this.#search();
  };

  /** Starts what the form says: writes it into the address, then searches. */
  #begin() {
    const address = new URL(location.href);
    for (const [name, value] of Object.entries({ q: "", ...this.#fields() })) {
      if (value) address.searchParams.set(name, value);
      else address.searchParams.delete(name);
    }
    if (address.href !== location.href) history.pushState(null, "", address);
    this.#limit = FIRST;
    this.#search();
  }

  #fields() {
    const { query, category, language, easy } = this.#parts;
    return {
      q: query.value.trim(),
      category: category.value,
      language: language.value,
      easy: easy.checked ? "true" : "",
    };
  }

  async #search() {
    const t = this.#texts;
    const { results, hits } = this.#parts;
    const fields = this.#fields();
    this.#request?.abort();
    document.title = fields.q ? `${fields.q} – ${this.#title}` : this.#title;
    this.#parts.start.hidden = Boolean(fields.q);
    if (!fields.q) {
      hits.replaceChildren();
      this.#say(t.intro);
      return;
    }
    const request = (this.#request = new AbortController());
    const patience = setTimeout(() => request.abort(new DOMException("", "TimeoutError")), PATIENCE_MS);
    results.setAttribute("aria-busy", "true");
    this.#say(t.loading);
    try {
      const asked = new URLSearchParams({ limit: this.#limit });
      for (const [name, value] of Object.entries(fields)) if (value) asked.set(name, value);
      const response = await fetch(`${this.getAttribute("endpoint")}?${asked}`, {
        signal: request.signal,
        headers: { accept: "application/json" },
      });
      if (response.ok) this.#show(await response.json(), fields.q);
      else this.#fail(response.status === 429 ? t.busy : response.status === 422 ? t.refused : t.failed);
    } catch (error) {
      // A newer search took over: that one speaks.
      if (error.name !== "AbortError") this.#fail(t.failed);
    } finally {
      clearTimeout(patience);
      if (this.#request === request) results.setAttribute("aria-busy", "false");
    }
  }

  #say(text, { failed = false, below = [], found = false } = {}) {
    const parts = this.#parts;
    parts.status.textContent = text;
    parts.status.classList.toggle("failed", failed);
    parts.heading.hidden = !found;
    parts.below.replaceChildren(...below);
  }

  #fail(text) {
    this.#parts.hits.replaceChildren();
    const again = make("button", { type: "button", className: "button" }, this.#texts.again);
    again.addEventListener("click", () => this.#search());
    this.#say(text, { failed: true, below: [again] });
  }

  #show(answer, query) {
    const t = this.#texts;
    const { category, language, easy, hits } = this.#parts;
    this.#offer(category, answer.categories);
    this.#offer(language, answer.languages);
    hits.replaceChildren(...answer.hits.map((hit, index) => this.#hit(hit, index)));
    if (answer.reason === "empty_index") {
      this.#fail(t.empty);
      return;
    }
    if (answer.hits.length === 0) {
      const filtered = category.value || language.value || easy.checked;
      const help = make("ul", { className: "help" }, ...t.advice.map((line) => make("li", {}, line)));
      if (filtered) {
        const clear = make("button", { type: "button", className: "link-button" }, t.clear);
        clear.addEventListener("click", () => {
          category.value = language.value = "";
          easy.checked = false;
          this.#begin();
          this.#parts.query.focus();
        });
        help.append(make("li", {}, clear));
      }
      this.#say(t.none(query), { below: [help] });
      return;
    }
    const below = [];
    if (answer.hits.length >= this.#limit && this.#limit < MOST) {
      const more = make("button", { type: "button", className: "button more-hits" }, t.more);
      more.addEventListener("click", async () => {
        const shown = answer.hits.length;
        this.#limit = Math.min(this.#limit * 2, MOST);
        await this.#search();
        // The button is gone: go on reading at the first new result.
        hits.children[shown]?.querySelector("a, summary")?.focus();
      });
      below.push(more);
    }
    const found = (answer.hits.length < this.#limit ? t.found : t.best)(answer.hits.length, query);
    this.#say(answer.degraded ? `${found}. ${t.degraded}` : found, { below, found: true });
  }

  /** Adds values to a filter's options; what was seen once stays, so that a choice can be changed. */
  #offer(select, values) {
    const known = new Set(Array.from(select.options, (option) => option.value));
    const names = new Intl.DisplayNames([this.#texts === TEXTS.en ? "en" : "de"], { type: "language" });
    for (const value of values) {
      if (known.has(value)) continue;
      let label = value;
      if (select.name === "language") {
        try {
          label = names.of(value);
        } catch {
          // No language tag: shown as it came.
        }
      }
      select.append(make("option", { value }, label));
    }
  }

  #hit(hit, index) {
    const t = this.#texts;
    const address = hit.url ? safe(hit.url) : null;
    const title = make("h3", { id: `hit-${index}` }, address ? make("a", { href: address }, hit.title) : hit.title);
    const text = make(
      "div",
      {},
      hit.categories.length ? make("p", { className: "trail" }, hit.categories.join(" › ")) : null,
      title,
      hit.easy ? make("p", { className: "badge", lang: this.#parts.results.lang }, t.easy) : null,
      ...this.#passages(hit.passages),
    );
    const article = make("article", { className: "card", lang: hit.language, "aria-labelledby": `hit-${index}` }, text);
    const facts = this.#facts(hit.facts, hit.language, index < UNFOLDED);
    if (facts) article.append(facts);
    return make("li", { className: "hit" }, article);
  }

  /** As many passages as are quickly read, those with matched words and the lead before others; the rest to unfold. */
  #passages(passages) {
    const worded = passages.some((passage) => passage.highlights.length);
    const [first, rest] = [[], []];
    let length = 0;
    for (const { heading, text, highlights } of passages) {
      const telling = !worded || highlights.length || !heading;
      const shown = telling && (first.length === 0 || length + text.length <= READABLE);
      if (shown) length += text.length;
      (shown ? first : rest).push(
        make(
          "li",
          { className: "passage" },
          heading ? make("p", { className: "passage-heading" }, heading) : null,
          make("p", { className: "passage-text" }, ...lines(text, highlights)),
        ),
      );
    }
    const list = (some) => (some.length ? make("ul", { className: "passages" }, ...some) : null);
    return [list(first), rest.length ? this.#folded(this.#texts.passages(rest.length), list(rest)) : null];
  }

  #folded(label, content) {
    const own = this.#texts === TEXTS.en ? "en" : "de";
    return make("details", { className: "folded" }, make("summary", { lang: own }, label), content);
  }

  #facts(facts, language, unfolded) {
    const t = this.#texts;
    const own = t === TEXTS.en ? "en" : "de";
    const list = (names) => {
      const rows = [];
      for (const name of names) {
        const value = Array.isArray(facts[name]) ? facts[name].join("\n") : facts[name];
        if (!value) continue;
        const said = make("dd", { lang: language }, ...this.#fact(value, t[name], own));
        rows.push(make("div", {}, make("dt", {}, t[name]), said));
      }
      return rows.length ? make("dl", {}, ...rows) : null;
    };
    const online = facts.online_services
      .map((link) => ({ label: link.label, address: safe(link.url) }))
      .filter((link) => link.address)
      .map(({ label, address }) =>
        make("a", { className: "online", href: address }, `${t.online}: `, make("span", { lang: language }, label)),
      );
    const first = list(["fees", "duration", "offices"]);
    const further = ["documents", "payment", "legal_basis"].filter((name) => facts[name]);
    const more = list(further);
    const label = further.map((name) => t[name]).join(", ");
    if (!first && !more && online.length === 0) return null;
    return make(
      "div",
      { className: "facts", role: "group", lang: own, "aria-label": t.facts },
      first || online.length ? make("div", { className: "facts-first" }, first, ...online) : null,
      more ? make("div", { className: "facts-more" }, unfolded ? more : this.#folded(label, more)) : null,
    );
  }

  /** A fact as the page says it: a line, or a list of parts; what is long begins folded. */
  #fact(value, name, own) {
    const t = this.#texts;
    const parts = value
      .split(/\n|;\s+/)
      .map((part) => part.replace(/^\s*[-–•*]\s+/, "").trim())
      .filter(Boolean);
    const length = parts.join(", ").length;
    if (length <= SHORT && !parts.some((part) => part.includes(","))) return [parts.join(", ")];
    const list = (some) =>
      some.length > 1 ? make("ul", { className: "items" }, ...some.map((part) => make("li", {}, part))) : some[0];
    if (length <= PREVIEW * 1.3) return [list(parts)];
    const first = [parts[0]];
    while (first.join("").length + parts[first.length]?.length <= PREVIEW) first.push(parts[first.length]);
    const rest = parts.slice(first.length);
    if (parts.length === 1) {
      const start = value.slice(0, PREVIEW).replace(/\s+\S*$/, "");
      first[0] = `${start} …`;
      rest.push(`… ${value.slice(start.length).trim()}`);
    }
    const more = make("summary", { lang: own }, t.expand, make("span", { className: "visually-hidden" }, ` (${name})`));
    return [list(first), make("details", {}, more, list(rest))];
  }
}

customElements.define("stadtfunk-search", StadtfunkSearch);
