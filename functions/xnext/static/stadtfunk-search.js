/**
 * <stadtfunk-search>: search and answers from a city's pages, for any page of any origin the host allows.
 *
 *   endpoint   address of the host; without it the one this script came from
 *   language   of the interface, "de" or "en"; without it that of the page around
 *   category   search in this category only
 *   answer     "off": results alone
 *   history    keep question and filters in the page's address and title
 *
 * What stands in its slot "start" shows as long as nothing was asked. Custom properties --stadtfunk-* set its
 * look (docs/embedding.md). What the interface answers is untrusted and only ever set as text; links must be
 * http(s). One classic script without imports, so that a page needs no CORS to load it, only to ask.
 */
(() => {
const HOME = document.currentScript?.src ?? location.href;
const FIRST = 10;
const MOST = 50;
const PATIENCE_MS = 15_000;
const UNFOLDED = 3; // results whose facts all show at once
const READABLE = 480; // characters of passages that show at once
const SHORT = 64; // characters of a list that reads well in one line
const PREVIEW = 130; // characters of a long fact that show before "more"
const REASONS = {
  answer: ["wrong", "incomplete", "outdated", "unclear", "other"],
  search: ["not_found", "wrong_page", "outdated", "other"],
};
const THUMB = "M7 10.5 11 3c1.7 0 2.6 1.2 2.3 2.8L12.7 9H18c1.3 0 2.2 1.2 1.9 2.4l-1.5 6A2 2 0 0 1 16.5 19H7zM3.5 10.5H7V19H3.5z";

const STYLES = `
.frame {
  --accent: var(--stadtfunk-accent, light-dark(#0b5560, #7fd0d3));
  --accent-strong: var(--stadtfunk-accent-strong, light-dark(#073d46, #a9e4e5));
  --on-accent: var(--stadtfunk-on-accent, light-dark(#fff, #06262b));
  --surface: var(--stadtfunk-surface, light-dark(#fff, #172429));
  --ink: var(--stadtfunk-ink, light-dark(#15242b, #e9eeec));
  --soft: var(--stadtfunk-soft, light-dark(#4c5d65, #a9b8bb));
  --line: var(--stadtfunk-line, light-dark(#d9d8cd, #2b3d44));
  --edge: var(--stadtfunk-edge, light-dark(#7d8b90, #7b8e95));
  --tint: var(--stadtfunk-tint, light-dark(#e0eeee, #1b363b));
  --mark: var(--stadtfunk-mark, light-dark(#ffe49b, #6b5510));
  --on-mark: var(--stadtfunk-on-mark, light-dark(#2b2207, #fff6d9));
  --bad: var(--stadtfunk-bad, light-dark(#a8201a, #ff9d94));
  --round: var(--stadtfunk-round, 0.625rem);
  --heading: var(--stadtfunk-heading-font, inherit);
  --small: 0.875em;
  color: var(--ink);
  font-family: var(--stadtfunk-font, inherit);
  font-size: var(--stadtfunk-size, inherit);
  line-height: 1.55;
  overflow-wrap: break-word;
  text-align: start;
}
:host { display: block; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, p, ol, ul, dl, dd { margin: 0; }
h2, h3 { line-height: 1.2; text-wrap: balance; }
ol, ul { padding: 0; list-style: none; }
a { color: var(--accent); text-decoration-thickness: 0.07em; text-underline-offset: 0.2em; }
a:hover { color: var(--accent-strong); text-decoration-thickness: 0.13em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25em; }
[tabindex="-1"]:focus { outline: none; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}

.search-form { display: flex; gap: 0.5em; }
.search-form input {
  flex: 1; min-width: 0; padding: 0.65em 0.9em; background: var(--surface); color: var(--ink);
  border: 1.5px solid var(--edge); border-radius: var(--round); font: inherit;
}
.search-form input::placeholder { color: var(--soft); opacity: 1; }
.button {
  padding: 0.65em 1.4em; background: var(--accent); color: var(--on-accent); border: 1px solid var(--accent);
  border-radius: var(--round); font: inherit; font-weight: 600; cursor: pointer;
}
.button:hover { background: var(--accent-strong); }
.link-button {
  padding: 0; background: none; color: var(--accent); border: 0; font: inherit;
  text-decoration: underline; text-underline-offset: 0.2em; cursor: pointer;
}
.small-button, .chip {
  padding: 0.3em 0.9em; background: var(--surface); color: var(--accent); border: 1px solid var(--edge);
  border-radius: 1.5em; font: inherit; cursor: pointer;
}
.small-button { display: inline-flex; align-items: center; gap: 0.4em; }
.small-button:hover, .chip:hover { background: var(--tint); color: var(--accent-strong); }
.small-button svg { width: 1.15em; fill: none; stroke: currentcolor; stroke-width: 1.6; stroke-linejoin: round; }
.chips { display: flex; flex-wrap: wrap; gap: 0.5em; }
.badge {
  display: inline-block; padding: 0.1em 0.65em; background: var(--tint); color: var(--accent-strong);
  border-radius: 1em; font-size: var(--small); white-space: nowrap;
}
.filters {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.5em 1.5em; margin-top: 0.75em; font-size: 0.9375em;
}
.filters label { display: inline-flex; align-items: center; gap: 0.5em; max-width: 100%; color: var(--soft); }
.filters select {
  min-width: 0; max-width: 18em; padding: 0.3em 0.5em; background: var(--surface); color: var(--ink);
  border: 1px solid var(--edge); border-radius: 0.375em; font: inherit;
}
.filters input { width: 1.15em; height: 1.15em; margin: 0; accent-color: var(--accent); }
.start { margin-top: 0.75em; }

.answer {
  position: relative; margin-top: 1.5em; padding: 1.25em 1.5em 1.1em; background: var(--surface); overflow: hidden;
  border: 1px solid var(--line); border-radius: var(--round); box-shadow: inset 0 3px 0 var(--accent);
}
.answer-title { display: flex; flex-wrap: wrap; align-items: center; gap: 0.3em 0.75em; }
.answer h2 { font-family: var(--heading); font-size: 1.375em; font-weight: 500; }
.answer:has(.statements:empty):not([aria-busy="true"]) { box-shadow: none; }
.statements { display: grid; gap: 0.6em; max-width: 46em; font-size: 1.0625em; }
.statements:not(:empty) { margin-top: 0.75em; }
.statements li { animation: arrive 240ms ease-out; }
.whose { color: var(--soft); font-size: 0.8125em; }
.verbatim { margin: 0.15em 0 0; padding-inline-start: 0.75em; border-inline-start: 3px solid var(--line); }
sup { line-height: 0; vertical-align: 0.35em; }
.number {
  display: inline-block; min-width: 1.75em; padding: 0.05em 0.4em; background: var(--tint);
  color: var(--accent-strong); border-radius: 0.9em; font-size: 0.72em; font-weight: 600; line-height: 1.6;
  text-align: center; text-decoration: none;
}
.number:hover { background: var(--accent); color: var(--on-accent); }
.waiting { display: grid; gap: 0.6em; margin-top: 0.5em; color: var(--soft); font-size: 0.9375em; }
.waiting::before, .waiting::after {
  content: ""; order: 1; height: 0.75em; max-width: 40em; border-radius: 0.4em;
  background: linear-gradient(90deg, var(--tint) 30%, var(--line) 50%, var(--tint) 70%) 0 0 / 300% 100%;
}
.waiting::after { max-width: 26em; }
.cited { display: grid; gap: 0.35em; font-size: 0.9375em; }
.cited:not(:empty) { margin-top: 1em; padding-top: 0.8em; border-top: 1px solid var(--line); }
.cited li { display: flex; align-items: baseline; gap: 0.6em; }
.cited div { display: flex; flex-wrap: wrap; gap: 0.1em 1em; }
.cited-number {
  flex: none; min-width: 1.75em; background: var(--tint);
  color: var(--accent-strong); border-radius: 0.9em; font-size: 0.8em; font-weight: 600; text-align: center;
}
.cited-title { font-weight: 600; }
.quote { flex-basis: 100%; color: var(--soft); }
.made { margin-top: 0.8em; color: var(--soft); font-size: var(--small); }
.note { margin-top: 0.6em; }
.meant { margin: 0.75em 0 0.4em; color: var(--soft); font-size: 0.9375em; }
.feedback {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0.5em; margin-top: 0.9em; color: var(--soft);
  font-size: 0.9375em;
}
.feedback p { margin-right: 0.4em; }

.status-line { min-height: 1.6em; margin-block: 1.5em 0.75em; color: var(--soft); }
.status-line.failed {
  padding: 0.75em 1em; background: var(--surface); color: var(--bad); border-left: 4px solid currentcolor;
}
.help { max-width: 44em; margin-top: 0.75em; color: var(--soft); }
.help li { padding-left: 1.2em; text-indent: -1.2em; }
.help li::before { content: "–"; display: inline-block; width: 1.2em; text-indent: 0; }
.results { container-type: inline-size; }
.results[aria-busy="true"] .hits { opacity: 0.55; }
.hits { display: grid; gap: 1em; }
.hit { hyphens: auto; overflow-wrap: anywhere; }
.card {
  display: grid; gap: 1em 2.25em; padding: 1.5em; background: var(--surface); border: 1px solid var(--line);
  border-radius: var(--round);
}
.hit h3 { font-size: 1.3125em; font-weight: 650; }
.trail { margin-bottom: 0.25em; color: var(--soft); font-size: var(--small); }
.passages { display: grid; gap: 0.75em; margin-top: 1em; }
.passage { padding-left: 1em; border-left: 3px dotted var(--edge); }
.worded { border-left: 3px solid var(--mark); }
.passage-heading, .by-meaning { color: var(--soft); font-size: var(--small); }
.by-meaning::before { content: "≈ " / ""; color: var(--accent); font-weight: 700; }
mark { padding: 0.05em 0.1em; background: var(--mark); color: var(--on-mark); border-radius: 0.2em; }
.line { display: block; }
.item, .items li { display: block; padding-left: 0.9em; }
.item::before, .items li::before {
  content: "·"; display: inline-block; width: 0.9em; margin-left: -0.9em; font-weight: 700;
}
summary { width: fit-content; color: var(--accent); font-size: 0.9375em; cursor: pointer; }
summary:hover { color: var(--accent-strong); text-decoration: underline; text-underline-offset: 0.2em; }
.folded { margin-top: 0.75em; }
.facts { display: grid; gap: 0.75em; }
.facts-first, .facts-more { font-size: 0.9375em; }
.facts-more > .folded { margin-top: 0; }
.folded > dl { margin-top: 0.75em; }
.facts dt { color: var(--soft); font-size: 0.93em; }
.facts dl {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(13em, 100%), 1fr)); gap: 0.75em 1.5em;
}
.facts dl > div { padding-top: 0.5em; border-top: 1px solid var(--line); }
.facts summary { font-size: inherit; }
.online {
  display: block; width: fit-content; margin-top: 0.75em; padding: 0.5em 0.9em; background: var(--tint);
  color: var(--accent-strong); border-radius: 0.375em; font-weight: 600; text-decoration: none;
}
.online:hover { text-decoration: underline; }
.more-hits { margin-top: 1.5em; }

@container (min-width: 46rem) {
  .card:has(.facts-first) {
    grid-template-columns: minmax(0, 1fr) minmax(14em, 17em);
    grid-template-rows: auto 1fr;
  }
  .facts { display: contents; }
  .facts-first { grid-column: 2; grid-row: 1 / span 2; padding-left: 1.5em; border-left: 1px solid var(--line); }
  .facts-first dl { grid-template-columns: minmax(0, 1fr); }
  .facts-first dl > div:first-child { padding-top: 0; border-top: 0; }
  .facts-first .online { width: auto; }
}
@media (max-width: 30rem) {
  .card, .answer { padding: 1em; }
  .search-form { flex-direction: column; }
  .filters label { width: 100%; }
  .filters label:has(select) { justify-content: space-between; }
}
@keyframes arrive { from { opacity: 0; translate: 0 0.3em; } }
@keyframes shimmer { to { background-position: -150% 0; } }
@media (prefers-reduced-motion: no-preference) {
  .waiting::before, .waiting::after { animation: shimmer 1.6s linear infinite; }
  a, .button, .small-button, .chip, .hits { transition: color 120ms, background-color 120ms, opacity 120ms; }
}
@media (prefers-reduced-motion: reduce) {
  .statements li { animation: none; }
}
@media (forced-colors: active) {
  mark { background: Mark; color: MarkText; }
}
@media print {
  form, .feedback, .more-hits, .waiting, .start { display: none; }
  details::details-content { block-size: auto; content-visibility: visible; }
  summary { display: none; }
  .card { padding-inline: 0; border: 0; border-top: 1px solid; border-radius: 0; break-inside: avoid; }
  .hit h3 a::after { content: " (" attr(href) ")"; font-size: 9pt; font-weight: normal; overflow-wrap: anywhere; }
}
`;

const TEXTS = {
  de: {
    label: "Ihre Frage",
    placeholder: "zum Beispiel: Mein Hund zieht mit ein",
    submit: "Suchen",
    category: "Bereich",
    language: "Sprache",
    all: "alle",
    easy: "Leichte Sprache",
    easyFirst: "Leichte Sprache zuerst",
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
    nearest: (query) => `Zu „${query}“ gibt es keine passende Seite. Am nächsten kommt:`,
    meant: "Meinten Sie …",
    by_meaning: "passt dem Sinn nach",
    by_words: (words) => `enthält: ${words}.`,
    unreachable: "Die Suche ist von dieser Seite aus nicht erreichbar. Vielleicht darf die Seite sie nicht einbinden.",
    answer: "Antwort",
    produced: "KI-erzeugt",
    answering: "Die Antwort wird gesucht …",
    extractive: (model) => `Sätze aus den Seiten der Stadt, im Wortlaut, von KI ausgewählt (${model}).`,
    generated: (model) => `Von KI formuliert (${model}), jede Aussage am Wortlaut der Seite geprüft. Es gilt die Seite selbst.`,
    verbatim: (language) => `Die Seite im Wortlaut${language ? ` (${language})` : ""}:`,
    citation: (number, title) => `Beleg ${number}: ${title}`,
    page: (number) => `S. ${number}`,
    sources: "Belege",
    as_cited: "Stelle ansehen",
    live: "Seite öffnen",
    said: (count) => `Die Antwort ist da: ${count === 1 ? "eine Aussage" : `${count} Aussagen`} mit Beleg.`,
    abstained: "Darauf gibt es auf den Seiten der Stadt keine belegte Antwort.",
    broken: "Die Antwort ist unvollständig. Die Ergebnisse darunter stimmen trotzdem.",
    no_answer: "Eine Antwort ist gerade nicht möglich. Die Suchergebnisse stehen darunter.",
    helpful: { answer: "Hat die Antwort geholfen?", search: "War das Richtige dabei?" },
    yes: "Ja",
    no: "Nein",
    why: "Woran lag es?",
    reasons: {
      wrong: "Es stimmt nicht",
      incomplete: "Es fehlt etwas",
      outdated: "Es ist veraltet",
      unclear: "Es ist schwer zu verstehen",
      not_found: "Das Gesuchte war nicht dabei",
      wrong_page: "Die falschen Seiten stehen oben",
      other: "Etwas anderes",
    },
    thanks: "Danke für Ihre Rückmeldung.",
    not_sent: "Die Rückmeldung kam nicht an.",
  },
  en: {
    label: "Your question",
    placeholder: "for example: my dog is moving in",
    submit: "Search",
    category: "Area",
    language: "Language",
    all: "all",
    easy: "Easy language",
    easyFirst: "Easy language first",
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
    nearest: (query) => `No page fits “${query}”. These come nearest:`,
    meant: "Did you mean …",
    by_meaning: "fits by its meaning",
    by_words: (words) => `contains: ${words}.`,
    unreachable: "The search cannot be reached from this page. Perhaps the page may not embed it.",
    answer: "Answer",
    produced: "Produced by AI",
    answering: "Looking for the answer …",
    extractive: (model) => `Sentences of the city’s pages, word for word, chosen by AI (${model}).`,
    generated: (model) => `Worded by AI (${model}), each statement checked against the page. The page itself is binding.`,
    verbatim: (language) => `In the page’s own words${language ? ` (${language})` : ""}:`,
    citation: (number, title) => `Source ${number}: ${title}`,
    page: (number) => `p. ${number}`,
    sources: "Sources",
    as_cited: "See the passage",
    live: "Open the page",
    said: (count) => `The answer is here: ${count === 1 ? "one statement" : `${count} statements`} with sources.`,
    abstained: "The city’s pages give no answer to this that could be shown with a source.",
    broken: "The answer is incomplete. The results below are right all the same.",
    no_answer: "No answer is possible right now. The results stand below.",
    helpful: { answer: "Did the answer help?", search: "Was the right page among them?" },
    yes: "Yes",
    no: "No",
    why: "What was wrong?",
    reasons: {
      wrong: "It is not true",
      incomplete: "Something is missing",
      outdated: "It is out of date",
      unclear: "It is hard to understand",
      not_found: "What I sought was not there",
      wrong_page: "The wrong pages come first",
      other: "Something else",
    },
    thanks: "Thank you for your feedback.",
    not_sent: "Your feedback did not arrive.",
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
function safe(address, base = location.href) {
  try {
    const url = new URL(address, base);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Server-sent events as pairs of name and value. */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = block.split("\n").map((line) => [line.split(":", 1)[0], line.replace(/^[^:]*: ?/, "")]);
      const of = (wanted) => fields.filter(([name]) => name === wanted).map(([, said]) => said).join("\n");
      if (of("data")) yield [of("event"), JSON.parse(of("data"))];
    }
  }
}

/** A thumb, up or down. */
function thumb(down) {
  const space = "http://www.w3.org/2000/svg";
  const [image, path] = [document.createElementNS(space, "svg"), document.createElementNS(space, "path")];
  image.setAttribute("viewBox", "0 0 23 22");
  image.setAttribute("aria-hidden", "true");
  path.setAttribute("d", THUMB);
  if (down) path.setAttribute("transform", "rotate(180 11.5 11)");
  image.append(path);
  return image;
}

/** Names of languages, in one of ours. */
function language_name(tag, own) {
  try {
    return new Intl.DisplayNames([own], { type: "language" }).of(tag);
  } catch {
    return tag; // no language tag: shown as it came
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
  static observedAttributes = ["endpoint", "language", "category", "answer"];
  #root = null;
  #own = "de";
  #texts = TEXTS.de;
  #parts = {};
  #request = null;
  #question = null;
  #limit = FIRST;
  #title = document.title;

  connectedCallback() {
    if (!this.#root) {
      this.#root = this.attachShadow({ mode: "open" });
      const styles = new CSSStyleSheet();
      styles.replaceSync(STYLES);
      this.#root.adoptedStyleSheets = [styles];
      this.#build();
    }
    if (this.hasAttribute("history")) window.addEventListener("popstate", this.#restore);
    this.#restore();
  }

  disconnectedCallback() {
    window.removeEventListener("popstate", this.#restore);
    this.#request?.abort();
    this.#question?.abort();
  }

  attributeChangedCallback(_, before, now) {
    if (!this.#root || before === now) return;
    const { query, language, easy } = this.#parts;
    const kept = [query.value, language.value, easy.checked];
    this.#build();
    this.#offer(this.#parts.language, kept[1] ? [kept[1]] : []);
    [this.#parts.query.value, this.#parts.language.value, this.#parts.easy.checked] = kept;
    this.#start();
  }

  #build() {
    const wished = this.getAttribute("language") ?? this.closest("[lang]")?.lang ?? "";
    this.#own = wished.toLowerCase().startsWith("en") ? "en" : "de";
    const t = (this.#texts = TEXTS[this.#own]);
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
        this.hasAttribute("category") ? null : make("label", {}, t.category, category),
        make("label", {}, t.language, language),
        make("label", {}, easy, t.easyFirst),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
    for (const filter of [category, language, easy]) filter.addEventListener("change", () => this.#begin());
    const start = make("div", { className: "start" }, make("slot", { name: "start" }));
    const answer = make("section", { className: "answer", "aria-labelledby": "answer", hidden: true });
    // Said once when an answer is whole: nobody wants it read word by word while it is written.
    const spoken = make("p", { className: "visually-hidden", "aria-live": "polite" });
    const status = make("p", { className: "status-line", role: "status" });
    const heading = make("h2", { className: "visually-hidden", hidden: true }, t.results);
    const hits = make("ol", { className: "hits" });
    const below = make("div", { className: "below" });
    const results = make("div", { className: "results", "aria-busy": "false" }, heading, hits, below);
    this.#parts = { query, category, language, easy, start, answer, spoken, status, heading, hits, below, results };
    this.#root.replaceChildren(make("div", { className: "frame", lang: this.#own }, form, start, answer, spoken, status, results));
  }

  /** The address of an interface of the host. */
  #at(path) {
    return new URL(path, new URL(this.getAttribute("endpoint") || "/", HOME));
  }

  /** Takes question and filters from the address where that is wished; at start, and on back and forward. */
  #restore = () => {
    const { query, category, language, easy } = this.#parts;
    const address = new URLSearchParams(this.hasAttribute("history") ? location.search : "");
    query.value = address.get("q") ?? "";
    for (const [select, name] of [[category, "category"], [language, "language"]]) {
      const value = address.get(name) ?? "";
      this.#offer(select, value ? [value] : []);
      select.value = value;
    }
    easy.checked = address.get("easy") === "true";
    this.#start();
  };

  /** Starts what the form says, and writes it into the address where that is wished. */
  #begin() {
    if (this.hasAttribute("history")) {
      const address = new URL(location.href);
      for (const [name, value] of Object.entries({ q: "", ...this.#fields() })) {
        if (value) address.searchParams.set(name, value);
        else address.searchParams.delete(name);
      }
      if (address.href !== location.href) history.pushState(null, "", address);
    }
    this.#start();
  }

  #start() {
    this.#limit = FIRST;
    const { q } = this.#fields();
    if (this.hasAttribute("history")) document.title = q ? `${q} – ${this.#title}` : this.#title;
    this.#parts.start.hidden = Boolean(q);
    this.#ask();
    this.#search();
  }

  #fields() {
    const { query, category, language, easy } = this.#parts;
    return {
      q: query.value.trim(),
      category: this.getAttribute("category") ?? category.value,
      language: language.value,
      easy: easy.checked ? "true" : "",
    };
  }

  #fetch(path, fields, signal, accept) {
    const address = this.#at(path);
    for (const [name, value] of Object.entries(fields)) if (value) address.searchParams.set(name, value);
    return fetch(address, { signal, headers: { accept }, referrerPolicy: "no-referrer" });
  }

  async #search() {
    const t = this.#texts;
    const { results, hits } = this.#parts;
    const fields = this.#fields();
    this.#request?.abort();
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
      const asked = { limit: this.#limit, ...fields };
      const response = await this.#fetch("/api/search", asked, request.signal, "application/json");
      if (response.ok) this.#show(await response.json(), fields.q);
      else this.#fail(response.status === 429 ? t.busy : response.status === 422 ? t.refused : t.failed);
    } catch (error) {
      // A newer search took over: that one speaks.
      if (error.name === "AbortError") return;
      const foreign = error instanceof TypeError && this.#at("/").origin !== location.origin;
      if (foreign) console.error(`stadtfunk-search: ${this.#at("/").origin} must allow the origin ${location.origin}`);
      this.#fail(foreign ? t.unreachable : t.failed);
    } finally {
      clearTimeout(patience);
      if (this.#request === request) results.setAttribute("aria-busy", "false");
    }
  }

  /** Shows the answer as it comes, statement by statement. */
  async #ask() {
    const t = this.#texts;
    const { answer, spoken } = this.#parts;
    const fields = this.#fields();
    this.#question?.abort();
    answer.hidden = true;
    spoken.textContent = "";
    if (!fields.q || this.getAttribute("answer") === "off") return;
    const question = (this.#question = new AbortController());
    const badge = make("span", { className: "badge" }, t.produced);
    const title = make("div", { className: "answer-title" }, make("h2", { id: "answer" }, t.answer), badge);
    const made = make("p", { className: "made", hidden: true });
    let generated = false;
    const statements = make("ol", { className: "statements" });
    const waiting = make("div", { className: "waiting" }, make("p", {}, t.answering));
    const cited = make("ol", { className: "cited", "aria-label": t.sources });
    answer.replaceChildren(title, statements, waiting, cited, made);
    answer.setAttribute("aria-busy", "true");
    answer.hidden = false;
    let count = 0;
    let done = false;
    const note = (text) => {
      badge.hidden = count === 0;
      answer.append(make("p", { className: "note" }, text));
      spoken.textContent = text;
    };
    try {
      const response = await this.#fetch("/api/answer", fields, question.signal, "text/event-stream");
      if (!response.ok) throw new Error(String(response.status));
      for await (const [name, message] of messages(response.body)) {
        if (name === "meta") {
          generated = message.mode === "generated";
          made.textContent = t[generated ? "generated" : "extractive"](message.model);
        } else if (name === "statement") {
          count += 1;
          made.hidden = false;
          this.#state(message, generated, statements, cited);
        } else if (name === "abstained") {
          note(t.abstained);
          answer.append(...this.#meant(message.suggestions));
        } else if (name === "done") done = true;
        else if (name === "error") break;
      }
      if (!done) note(count ? t.broken : t.no_answer);
      else if (count) {
        spoken.textContent = t.said(count);
        answer.append(this.#feedback("answer"));
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      note(count ? t.broken : t.no_answer);
    }
    waiting.remove();
    answer.setAttribute("aria-busy", "false");
  }

  /** One statement with the numbers of its sources, and the sources below; among a model's, one of the page is marked. */
  #state(statement, generated, statements, cited) {
    const t = this.#texts;
    const said = lines(statement.text, []);
    for (const { number, title, url, page, quote, href } of statement.citations) {
      const [source, live] = [this.#source(href), url ? safe(url) : null];
      const named = page ? `${title}, ${t.page(page)}` : title;
      const label = t.citation(number, named);
      if (source) {
        const sign = make("a", { href: source, className: "number", lang: this.#own, "aria-label": label }, `${number}`);
        said.at(-1)?.append(" ", make("sup", {}, sign));
      }
      const open = (address, text) => make("a", { href: address, "aria-label": `${text}: ${label}` }, text);
      const place = make(
        "div",
        {},
        make("span", { className: "cited-title", lang: statement.language }, named),
        source ? open(source, t.as_cited) : null,
        live ? open(live, t.live) : null,
        statement.text.includes(quote) ? null : make("q", { className: "quote" }, quote),
      );
      cited.append(make("li", {}, make("span", { className: "cited-number" }, `${number}`), place));
    }
    if (!(generated && statement.verbatim)) return statements.append(make("li", { lang: statement.language }, ...said));
    const whose = make("p", { className: "whose" }, t.verbatim(this.#foreign(statement.language)));
    const [address] = statement.citations.map(({ href }) => this.#source(href));
    const quoted = make("blockquote", { className: "verbatim", lang: statement.language, cite: address }, ...said);
    statements.append(make("li", {}, whose, quoted));
  }

  /** The name of a language that is not that of the interface, else nothing. */
  #foreign(language) {
    if (language.split("-")[0] === this.#own) return "";
    try {
      return new Intl.DisplayNames([this.#own], { type: "language" }).of(language);
    } catch {
      return language;
    }
  }

  /** The address of a source as it was, in the language of the interface. */
  #source(href) {
    const address = safe(href, this.#at("/"));
    if (!address || this.#own === "de") return address;
    const own = new URL(address);
    own.searchParams.set("lang", this.#own);
    return own.href;
  }

  /** Other questions, as buttons that ask them. */
  #meant(suggestions) {
    if (!suggestions.length) return [];
    const t = this.#texts;
    const buttons = suggestions.map((text) => {
      const button = make("button", { type: "button", className: "chip" }, text);
      button.addEventListener("click", () => {
        this.#parts.query.value = text;
        this.#begin();
        this.#parts.query.focus();
      });
      return make("li", {}, button);
    });
    return [make("p", { id: "meant", className: "meant" }, t.meant), make("ul", { className: "chips" }, ...buttons)];
  }

  /** Thumbs, and reasons from a fixed list; nothing that is typed. */
  #feedback(about) {
    const t = this.#texts;
    const box = make("div", { className: "feedback", role: "group", "aria-label": t.helpful[about] });
    const tell = (text) => {
      const said = make("p", { tabIndex: -1 }, text);
      box.replaceChildren(said);
      said.focus();
    };
    const send = async (kind, reason) => {
      try {
        const response = await fetch(this.#at("/api/feedback"), {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ about, kind, reason }),
          referrerPolicy: "no-referrer",
        });
        tell(response.ok ? t.thanks : t.not_sent);
      } catch {
        tell(t.not_sent);
      }
    };
    const button = (act, ...label) => {
      const one = make("button", { type: "button", className: "small-button" }, ...label);
      one.addEventListener("click", act);
      return one;
    };
    const why = () => {
      const reasons = REASONS[about].map((reason) => button(() => send("down", reason), t.reasons[reason]));
      box.replaceChildren(make("p", {}, t.why), ...reasons);
      reasons[0].focus();
    };
    box.append(
      make("p", {}, t.helpful[about]),
      button(() => send("up", "helpful"), thumb(false), t.yes),
      button(why, thumb(true), t.no),
    );
    return box;
  }

  #say(text, { failed = false, below = [], found = false } = {}) {
    const parts = this.#parts;
    parts.status.textContent = text;
    parts.status.classList.toggle("failed", failed);
    parts.heading.hidden = !found;
    parts.below.replaceChildren(...below);
  }

  #fail(text) {
    this.#question?.abort();
    this.#parts.answer.hidden = true;
    this.#parts.hits.replaceChildren();
    const again = make("button", { type: "button", className: "button" }, this.#texts.again);
    again.addEventListener("click", () => this.#start());
    this.#say(text, { failed: true, below: [again] });
  }

  #show(answer, query) {
    const t = this.#texts;
    const { category, language, hits } = this.#parts;
    this.#offer(category, answer.categories);
    this.#offer(language, answer.languages);
    hits.replaceChildren(...answer.hits.map((hit, index) => this.#hit(hit, index, answer.degraded)));
    if (answer.reason === "empty_index") {
      this.#fail(t.empty);
      return;
    }
    if (answer.hits.length === 0) {
      // What there is to say of nothing is said here.
      this.#question?.abort();
      this.#parts.answer.hidden = true;
      const filtered = category.value || language.value; // easy language is a wish, and hides nothing
      const help = make("ul", { className: "help" }, ...t.advice.map((line) => make("li", {}, line)));
      if (filtered) {
        const clear = make("button", { type: "button", className: "link-button" }, t.clear);
        clear.addEventListener("click", () => {
          category.value = language.value = "";
          this.#begin();
          this.#parts.query.focus();
        });
        help.append(make("li", {}, clear));
      }
      this.#say(t.none(query), { below: [...this.#meant(answer.suggestions), help] });
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
    below.push(this.#feedback("search"));
    const found = (answer.hits.length < this.#limit ? t.found : t.best)(answer.hits.length, query);
    const said = answer.degraded ? `${found}. ${t.degraded}` : answer.fits ? found : t.nearest(query);
    this.#say(said, { below, found: true });
  }

  /** Adds values to a filter's options; what was seen once stays, so that a choice can be changed. */
  #offer(select, values) {
    const known = new Set(Array.from(select.options, (option) => option.value));
    for (const value of values) {
      const label = select.name === "language" ? language_name(value, this.#own) : value;
      if (!known.has(value)) select.append(make("option", { value }, label));
    }
  }

  #hit(hit, index, degraded) {
    const t = this.#texts;
    const address = hit.url ? safe(hit.url) : null;
    const title = make("h3", { id: `hit-${index}` }, address ? make("a", { href: address }, hit.title) : hit.title);
    const text = make(
      "div",
      {},
      hit.categories.length ? make("p", { className: "trail" }, hit.categories.join(" › ")) : null,
      title,
      hit.easy ? make("p", { className: "badge", lang: this.#own }, t.easy) : null,
      ...this.#passages(hit.passages, degraded),
    );
    const article = make("article", { className: "card", lang: hit.language, "aria-labelledby": `hit-${index}` }, text);
    const facts = this.#facts(hit.facts, hit.language, index < UNFOLDED);
    if (facts) article.append(facts);
    return make("li", { className: "hit" }, article);
  }

  /** As many passages as are quickly read, those with matched words and the lead before others; the rest to unfold. */
  #passages(passages, degraded) {
    const worded = passages.some((passage) => passage.highlights.length);
    const [first, rest] = [[], []];
    let length = 0;
    for (const { heading, text, page, highlights } of passages) {
      const place = [heading, page ? this.#texts.page(page) : ""].filter(Boolean).join(" · ");
      const telling = !worded || highlights.length || !heading;
      const shown = telling && (first.length === 0 || length + text.length <= READABLE);
      if (shown) length += text.length;
      (shown ? first : rest).push(
        make(
          "li",
          { className: highlights.length ? "passage worded" : "passage" },
          place ? make("p", { className: "passage-heading" }, place) : null,
          make("p", { className: "passage-text" }, ...lines(text, highlights)),
          this.#why(text, highlights, degraded),
        ),
      );
    }
    const list = (some) => (some.length ? make("ul", { className: "passages" }, ...some) : null);
    return [list(first), rest.length ? this.#folded(this.#texts.passages(rest.length), list(rest)) : null];
  }

  /** Why a passage is shown: by words (marked for the eye, said for the ear), else by its meaning. */
  #why(text, highlights, degraded) {
    const t = this.#texts;
    if (!highlights.length) return degraded ? null : make("p", { className: "by-meaning", lang: this.#own }, t.by_meaning);
    const characters = Array.from(text);
    const words = new Set(highlights.map(([start, end]) => characters.slice(start, end).join("")).filter(Boolean));
    return make("p", { className: "visually-hidden", lang: this.#own }, t.by_words([...words].join(", ")));
  }

  #folded(label, content) {
    return make("details", { className: "folded" }, make("summary", { lang: this.#own }, label), content);
  }

  #facts(facts, language, unfolded) {
    const t = this.#texts;
    const own = this.#own;
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

if (!customElements.get("stadtfunk-search")) customElements.define("stadtfunk-search", StadtfunkSearch);
})();
