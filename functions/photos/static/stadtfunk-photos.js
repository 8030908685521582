/**
 * <stadtfunk-photos>: have photos anonymised, from any page of any origin the host allows.
 *
 *   endpoint   address of the host; without it the one this script came from
 *   language   of the interface, "de" or "en"; without it that of the page around
 *   max        bytes a photo may have
 *   example    address of a photo to try it with; without it none is offered
 *
 * The original is shown from this browser's own memory alone; nothing brings it back from the host. What the host
 * answers is only ever set as text or shown as a picture. Custom properties --stadtfunk-* set the look.
 */
(() => {
const HOME = document.currentScript?.src ?? location.href;
const PATIENCE_MS = 15 * 60_000; // a photo is followed for so long
const LONGEST_S = 60; // waited for a server that is busy; what takes longer is told
const AT_ONCE = 2; // photos on their way at a time
const ACCEPT = "image/jpeg,image/png,image/webp,image/tiff,image/heic,image/heif,.heic,.heif,.tif,.tiff";
const KINDS = ["face", "plate", "person"];

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
  --bad: var(--stadtfunk-bad, light-dark(#a8201a, #ff9d94));
  --round: var(--stadtfunk-round, 0.625rem);
  color: var(--ink); font-family: var(--stadtfunk-font, inherit); line-height: 1.55; overflow-wrap: break-word;
}
:host { display: block; }
:host([hidden]), [hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, p, ul, dl, dd, figure, fieldset { margin: 0; }
h3 { font-size: 1.0625em; line-height: 1.3; }
ul { padding: 0; list-style: none; }
a { color: var(--accent); text-underline-offset: 0.2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25em; }
.visually-hidden {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.drop {
  display: grid; justify-items: center; gap: 0.75em; padding: 2em 1em; background: var(--surface); text-align: center;
  border: 2px dashed var(--edge); border-radius: var(--round);
}
.drop.over { background: var(--tint); border-color: var(--accent); }
.drop p { color: var(--soft); font-size: 0.9375em; }
.button, .file::file-selector-button {
  padding: 0.6em 1.3em; background: var(--accent); color: var(--on-accent); border: 1px solid var(--accent);
  border-radius: var(--round); font: inherit; font-weight: 600; cursor: pointer; text-decoration: none;
}
.button:hover { background: var(--accent-strong); color: var(--on-accent); }
.button[aria-disabled="true"] { opacity: 0.6; cursor: default; }
.plain {
  padding: 0.35em 1em; background: var(--surface); color: var(--accent); border: 1px solid var(--edge);
  border-radius: 1.5em; font: inherit; cursor: pointer;
}
.plain:hover { background: var(--tint); color: var(--accent-strong); }
.options { display: flex; flex-wrap: wrap; gap: 0.75em 2.5em; margin-block: 1.25em; }
fieldset { min-width: 0; padding: 0; border: 0; }
legend { padding: 0; font-weight: 600; }
.options div { display: flex; flex-wrap: wrap; gap: 0.25em 1.25em; margin-top: 0.25em; }
label { display: inline-flex; align-items: center; gap: 0.5em; cursor: pointer; }
label input { width: 1.15em; height: 1.15em; margin: 0; accent-color: var(--accent); }
.said { min-height: 1.6em; margin-block: 1em 0.5em; color: var(--soft); }
.photos { display: grid; gap: 1em; }
.photo {
  display: grid; gap: 0.75em; padding: 1.25em; background: var(--surface); border: 1px solid var(--line);
  border-radius: var(--round);
}
.photo h3 { overflow-wrap: anywhere; }
.body { display: grid; gap: 0.9em; justify-items: start; }
.body:empty { display: none; }
.body > figure, .body > details { width: 100%; }
.body p { overflow-wrap: anywhere; }
.state { color: var(--soft); }
.failed .state { color: var(--bad); }
progress { width: 100%; height: 0.6em; accent-color: var(--accent); }
.compare { position: relative; overflow: hidden; background: var(--tint); border-radius: 0.4em; line-height: 0; }
.compare img { display: block; width: 100%; height: auto; }
.compare .before { position: absolute; inset: 0; height: 100%; clip-path: inset(0 calc(100% - var(--at, 50%)) 0 0); }
.compare .edge {
  position: absolute; inset-block: 0; left: var(--at, 50%); width: 3px; margin-left: -1.5px; background: #fff;
  box-shadow: 0 0 0 1px #15242b; pointer-events: none;
}
.tags { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.875em; }
.slider { display: block; width: 100%; margin: 0; accent-color: var(--accent); cursor: ew-resize; }
.deeds { display: flex; flex-wrap: wrap; align-items: center; gap: 0.6em; }
summary { width: fit-content; color: var(--accent); cursor: pointer; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(12em, 100%), 1fr)); gap: 0.6em 1.5em; }
dl > div { padding-top: 0.4em; border-top: 1px solid var(--line); }
dt { color: var(--soft); font-size: 0.875em; }
details dl { margin-block: 0.75em; }
@media (max-width: 30rem) { .photo { padding: 0.9em; } .drop { padding-inline: 0.75em; } }
`;

const TEXTS = {
  de: {
    yours: "Ihre Fotos", choose: "Fotos auswählen", drop: "Oder hierher ziehen: JPEG, PNG, WebP, TIFF oder HEIC, auch mehrere.",
    example: "Mit einem Beispielbild ausprobieren", most: (mb) => `Höchstens ${mb} MB je Foto.`,
    hide: "Unkenntlich machen", face: "Gesichter", plate: "Kennzeichen", person: "ganze Personen",
    fill: "Gesichter und Personen", solid: "grau füllen", blur: "stark verwischen",
    none: "Wählen Sie aus, was unkenntlich werden soll.",
    done: (count, all) => `${count} von ${all} ${all === 1 ? "Foto" : "Fotos"} bearbeitet.`,
    sending: (percent) => `Wird übertragen: ${percent} %`, queued: "Gleich an der Reihe …",
    waiting: "Angekommen, wartet auf die Bearbeitung …", working: "Wird bearbeitet …", released: "Fertig.",
    held: "Noch nicht sicher: Jemand von der Stadt sieht sich das bereits verdeckte Foto an, nie das Original. Unter dieser Adresse liegt es danach:",
    late: "Das dauert länger als sonst. Unter dieser Adresse liegt es später:",
    rejected: "Nicht freigegeben und gelöscht.", gone: "Gelöscht.",
    failed: "Das hat nicht geklappt. Bitte versuchen Sie es später noch einmal.",
    busy: "Gerade ist zu viel los. Es geht gleich weiter …",
    full: (minutes) => `Gerade kommen mehr Fotos an, als angenommen werden können. Bitte versuchen Sie es in ${minutes > 90 ? `${Math.ceil(minutes / 60)} Stunden` : minutes > 1 ? `${minutes} Minuten` : "einer Minute"} noch einmal.`,
    offline: "Die Stadt ist gerade nicht erreichbar. Bitte versuchen Sie es später noch einmal.",
    large: (mb) => `Das Foto ist zu groß; höchstens ${mb} MB.`,
    format: "Das ist kein Foto im Format JPEG, PNG, WebP, TIFF oder HEIC.",
    broken: "Das Foto ist beschädigt oder unvollständig.", pixels: "Das Foto hat zu viele Bildpunkte.",
    frames: "Die Datei hat zu viele Einzelbilder.",
    before: "Vorher", after: "Nachher", compare: (name) => `Vorher und nachher vergleichen: ${name}`,
    at: (percent) => `${percent} % vorher`, result: (name) => `Anonymisiert: ${name}`,
    only: "Ihr Browser kann das Original nicht anzeigen; zu sehen ist das fertige Foto.",
    download: "Herunterladen", remove: "Bei der Stadt löschen", again: "Noch einmal versuchen",
    report: "Bericht", found: "Unkenntlich gemacht", nothing: "nichts gefunden", rest: (count) => `vorsorglich verdeckt: ${count}`, share: "Verdeckter Anteil",
    size: "Größe", models: "Modelle", looks: "Durchgänge", took: "Rechenzeit", seconds: (s) => `${s} s`,
    json: "Bericht als Datei (JSON)",
    counts: { face: ["ein Gesicht", "Gesichter"], plate: ["ein Kennzeichen", "Kennzeichen"], person: ["eine Person", "Personen"] },
  },
  en: {
    yours: "Your photos", choose: "Choose photos", drop: "Or drop them here: JPEG, PNG, WebP, TIFF or HEIC, several if you like.",
    example: "Try it with an example", most: (mb) => `At most ${mb} MB a photo.`,
    hide: "Make unrecognisable", face: "Faces", plate: "Number plates", person: "whole persons",
    fill: "Faces and persons", solid: "fill with grey", blur: "blur strongly",
    none: "Choose what is to be made unrecognisable.",
    done: (count, all) => `${count} of ${all} ${all === 1 ? "photo" : "photos"} done.`,
    sending: (percent) => `On its way: ${percent} %`, queued: "Next in a moment …",
    waiting: "Arrived, waiting to be worked on …", working: "Being worked on …", released: "Done.",
    held: "Not sure yet: somebody of the city looks at the photo as it is masked, never at the original. Afterwards it lies here:",
    late: "This takes longer than usual. Later it lies here:",
    rejected: "Not released, and deleted.", gone: "Deleted.",
    failed: "That did not work. Please try again later.",
    busy: "Much is going on right now. It goes on in a moment …",
    full: (minutes) => `More photos come in right now than can be taken. Please try again in ${minutes > 90 ? `${Math.ceil(minutes / 60)} hours` : minutes > 1 ? `${minutes} minutes` : "a minute"}.`,
    offline: "The city cannot be reached right now. Please try again later.",
    large: (mb) => `The photo is too large; at most ${mb} MB.`,
    format: "This is no photo in the format JPEG, PNG, WebP, TIFF or HEIC.",
    broken: "The photo is damaged or incomplete.", pixels: "The photo has too many pixels.",
    frames: "The file has too many pictures.",
    before: "Before", after: "After", compare: (name) => `Compare before and after: ${name}`,
    at: (percent) => `${percent} % before`, result: (name) => `Anonymised: ${name}`,
    only: "Your browser cannot show the original; this is the finished photo.",
    download: "Download", remove: "Delete at the city", again: "Try again",
    report: "Report", found: "Made unrecognisable", nothing: "nothing found", rest: (count) => `to be on the safe side: ${count}`, share: "Masked share",
    size: "Size", models: "Models", looks: "Passes", took: "Computing time", seconds: (s) => `${s} s`,
    json: "Report as a file (JSON)",
    counts: { face: ["one face", "faces"], plate: ["one number plate", "number plates"], person: ["one person", "persons"] },
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

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Send a form and tell how far it is; resolves to status, Retry-After and JSON, rejects where nobody answers. */
function send(address, form, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "json";
    request.upload.onprogress = (event) => event.lengthComputable && progress(Math.round((100 * event.loaded) / event.total));
    request.onload = () =>
      resolve({ status: request.status, after: Number(request.getResponseHeader("retry-after")) || 2, said: request.response });
    request.onerror = request.ontimeout = () => reject(new Error("unreachable"));
    request.send(form);
  });
}

/** One photo, from the choice to the result. */
class Photo {
  constructor(home, file, wishes) {
    this.home = home;
    this.file = file;
    this.wishes = wishes;
    this.settled = false;
    this.wrong = false;
    this.urls = [];
    this.state = make("p", { className: "state" }, home.texts.queued);
    this.progress = make("progress", { max: 100, "aria-label": file.name });
    this.body = make("div", { className: "body" });
    this.element = make("li", { className: "photo" }, make("h3", {}, file.name), this.state, this.progress, this.body);
  }

  say(text, { failed = false, settled = failed } = {}) {
    this.state.textContent = text;
    this.element.classList.toggle("failed", failed);
    this.progress.hidden = settled;
    this.settled = settled;
    this.home.count();
  }

  async run() {
    this.body.replaceChildren();
    if (this.file.size > this.home.max) return this.say(this.reason(413), { failed: true });
    try {
      const taken = await this.upload();
      if (taken) await this.follow(taken);
    } catch {
      this.say(this.home.texts.offline, { failed: true });
    }
    if (this.element.classList.contains("failed") && !this.wrong) {
      const again = make("button", { type: "button", className: "plain", onclick: () => this.home.queue(this) }, this.home.texts.again);
      this.body.replaceChildren(again);
    }
  }

  async upload() {
    const { texts } = this.home;
    const form = new FormData();
    form.append("photo", this.file, "photo"); // its name stays here
    for (const kind of this.wishes.kinds) form.append("kinds", kind);
    form.append("fill", this.wishes.fill);
    form.append("wait", "0");
    for (let tries = 0; tries < 20; tries += 1) {
      const answer = await send(this.home.address("/photos"), form, (percent) => {
        this.say(percent < 100 ? texts.sending(percent) : texts.waiting);
        this.progress.value = percent;
      });
      if (answer.status === 202) return answer.said;
      if (answer.status !== 429 && answer.status !== 503) {
        this.say(this.reason(answer.status, answer.said?.detail), { failed: true });
        return null;
      }
      if (answer.after > LONGEST_S) {
        this.say(texts.full(Math.ceil(answer.after / 60)), { failed: true });
        return null;
      }
      this.say(texts.busy);
      await pause(1000 * answer.after);
    }
    this.say(texts.failed, { failed: true });
    return null;
  }

  async follow(taken) {
    const { texts } = this.home;
    this.progress.removeAttribute("value");
    const end = Date.now() + PATIENCE_MS;
    for (let ms = 400; ; ms = Math.min(ms * 1.3, 3000)) {
      const answer = await fetch(this.home.address(`/photos/${taken.photo_id}`));
      if (answer.ok) {
        const now = await answer.json();
        if (now.state === "released") return this.show(taken, now);
        if (now.state === "held") return this.hold(taken);
        if (now.state === "refused") return this.say(this.reason(422, now.reason), { failed: true });
        if (now.state === "rejected" || now.state === "gone") return this.say(texts[now.state], { settled: true });
        this.say(texts[now.state] ?? texts.working);
      } else if (answer.status !== 429 && answer.status !== 503) return this.say(texts.failed, { failed: true });
      if (Date.now() > end) return this.hold(taken, texts.late);
      await pause(ms);
    }
  }

  /** What is wrong with a file, in the page's language. */
  reason(status, detail = "") {
    const { texts, mb } = this.home;
    this.wrong = status === 413 || status === 415 || status === 422; // and stays so
    if (status === 413 || /MB/.test(detail)) return texts.large(mb);
    if (status === 415 || /is no JPEG/.test(detail)) return texts.format;
    if (/cut short/.test(detail)) return texts.broken;
    if (/megapixels/.test(detail)) return texts.pixels;
    if (/pictures/.test(detail)) return texts.frames;
    return texts.failed;
  }

  /** It is not finished now; where it lies later. */
  hold(taken, text = this.home.texts.held) {
    const address = this.home.address(`/photos/${taken.photo_id}/result`);
    this.say(text, { settled: true });
    this.body.replaceChildren(make("p", {}, make("a", { href: address }, address)), this.remover(taken));
  }

  async show(taken, now) {
    const { texts } = this.home;
    const [photo, report] = await Promise.all([
      fetch(this.home.address(now.result_url)).then((answer) => answer.blob()),
      fetch(this.home.address(now.report_url)).then((answer) => answer.json()),
    ]);
    const after = this.url(photo);
    const suffix = { "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/tiff": ".tif" }[now.media_type] ?? "";
    const name = this.file.name.replace(/\.[^.]*$/, "");
    const download = make("a", { className: "button", href: after, download: `${name}-anonym${suffix}` }, texts.download);
    const address = this.home.address(now.report_url);
    this.body.replaceChildren(
      await this.compared(after, now.media_type),
      make("div", { className: "deeds" }, download, this.remover(taken)),
      this.told(report, address),
    );
    this.say(texts.released, { settled: true });
  }

  async compared(after, type) {
    const { texts } = this.home;
    const name = this.file.name;
    if (type === "image/tiff") return make("p", {}, texts.only); // no browser shows one
    const shown = make("img", { src: after, alt: texts.result(name) });
    const before = make("img", { className: "before", src: this.url(this.file), alt: "" });
    const sight = await before.decode().then(() => true, () => false);
    const frame = make("div", { className: "compare" }, shown);
    const figure = make("figure", {}, frame);
    if (!sight) {
      figure.append(make("figcaption", { className: "state" }, texts.only));
      return figure;
    }
    const slider = make("input", { type: "range", className: "slider", min: 0, max: 100, value: 50, "aria-label": texts.compare(name) });
    const move = () => {
      frame.style.setProperty("--at", `${slider.value}%`);
      slider.setAttribute("aria-valuetext", texts.at(slider.value));
    };
    slider.addEventListener("input", move);
    const drag = (event) => {
      const box = frame.getBoundingClientRect();
      slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
      move();
    };
    frame.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      frame.setPointerCapture(event.pointerId);
      drag(event);
    });
    frame.addEventListener("pointermove", (event) => frame.hasPointerCapture(event.pointerId) && drag(event));
    frame.append(before, make("span", { className: "edge" }));
    figure.append(
      slider,
      make("div", { className: "tags", "aria-hidden": "true" }, make("span", {}, texts.before), make("span", {}, texts.after)),
    );
    move();
    return figure;
  }

  told(report, address) {
    const { texts, language } = this.home;
    const number = (value, digits = 0) => value.toLocaleString(language, { maximumFractionDigits: digits });
    const sure = report.masked.filter((one) => one.score >= (report.report_threshold[one.model] ?? 1));
    const found = KINDS.flatMap((kind) => {
      const count = sure.filter((one) => one.kind === kind).length;
      const [one, many] = texts.counts[kind];
      return count ? [count === 1 ? one : `${number(count)} ${many}`] : [];
    });
    const rest = report.masked.length - sure.length;
    if (rest) found.push(texts.rest(number(rest)));
    const facts = [
      [texts.found, found.join(", ") || texts.nothing],
      [texts.share, `${number(100 * report.masked_share, 1)} %`],
      [texts.size, `${report.width} × ${report.height}, ${report.written_as}`],
      [texts.looks, number(report.rounds)],
      [texts.took, texts.seconds(number(report.duration_ms / 1000, 1))],
      [texts.models, Object.keys(report.models).join(", ")],
    ];
    const rows = facts.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value)));
    const link = make("p", {}, make("a", { href: address, target: "_blank", rel: "noopener" }, texts.json));
    return make("details", {}, make("summary", {}, texts.report), make("dl", {}, ...rows), link);
  }

  remover(taken) {
    const { texts } = this.home;
    const button = make("button", { type: "button", className: "plain" }, texts.remove);
    button.addEventListener("click", async () => {
      const body = JSON.stringify({ photo_id: taken.photo_id, secret: taken.secret });
      const request = { method: "POST", headers: { "content-type": "application/json" }, body };
      const answer = await fetch(this.home.address("/photos/forget"), request).catch(() => null);
      if (!answer?.ok) return this.say(texts.failed, { settled: true });
      this.free();
      this.body.replaceChildren();
      this.say(texts.gone, { settled: true });
      this.state.tabIndex = -1;
      this.state.focus();
    });
    return button;
  }

  url(blob) {
    this.urls.push(URL.createObjectURL(blob));
    return this.urls.at(-1);
  }

  free() {
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }
}

class StadtfunkPhotos extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const told = this.getAttribute("language") ?? this.closest("[lang]")?.lang ?? "de";
    this.language = told.startsWith("en") ? "en" : "de";
    this.texts = TEXTS[this.language];
    this.max = Number(this.getAttribute("max")) || 60e6;
    this.mb = Math.floor(this.max / 1e6);
    this.photos = [];
    this.line = [];
    this.running = 0;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    root.append(make("div", { className: "frame", lang: this.language }, ...this.parts()));
  }

  disconnectedCallback() {
    for (const photo of this.photos) photo.free();
  }

  address(path) {
    return new URL(path, new URL(this.getAttribute("endpoint") ?? HOME, location.href)).href;
  }

  parts() {
    const { texts } = this;
    this.input = make("input", { type: "file", multiple: true, accept: ACCEPT, className: "visually-hidden", tabIndex: -1, "aria-hidden": "true" });
    this.input.addEventListener("change", () => {
      this.take(this.input.files);
      this.input.value = "";
    });
    const choose = make("button", { type: "button", className: "button", onclick: () => this.input.click() }, texts.choose);
    const drop = make("div", { className: "drop" }, choose, this.input, make("p", {}, `${texts.drop} ${texts.most(this.mb)}`));
    const example = this.getAttribute("example");
    if (example) drop.append(make("button", { type: "button", className: "plain", onclick: () => this.try(example) }, texts.example));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragenter" || name === "dragover");
        if (name === "drop") this.take(event.dataTransfer.files);
      });
    }
    const box = (kind) => make("label", {}, make("input", { type: "checkbox", value: kind, checked: kind !== "person" }), texts[kind]);
    const dot = (fill) => make("label", {}, make("input", { type: "radio", name: "fill", value: fill, checked: fill === "solid" }), texts[fill]);
    this.kinds = make("div", {}, ...KINDS.map(box));
    this.fills = make("div", {}, dot("solid"), dot("blur"));
    this.said = make("p", { className: "said", role: "status" });
    this.list = make("ul", { className: "photos" });
    return [
      make("div", { className: "options" },
        make("fieldset", {}, make("legend", {}, texts.hide), this.kinds),
        make("fieldset", {}, make("legend", {}, texts.fill), this.fills)),
      drop,
      make("h2", { className: "visually-hidden" }, texts.yours),
      this.said,
      this.list,
    ];
  }

  async try(example) {
    const blob = await fetch(this.address(example)).then((answer) => answer.blob());
    this.take([new File([blob], example.split("/").at(-1), { type: blob.type })]);
  }

  take(files) {
    const kinds = [...this.kinds.querySelectorAll("input:checked")].map((input) => input.value);
    if (!kinds.length) {
      this.said.textContent = this.texts.none;
      return;
    }
    const fill = this.fills.querySelector("input:checked").value;
    for (const file of files) {
      const photo = new Photo(this, file, { kinds, fill });
      this.photos.push(photo);
      this.list.append(photo.element);
      this.queue(photo);
    }
  }

  queue(photo) {
    photo.say(this.texts.queued);
    this.line.push(photo);
    this.next();
  }

  next() {
    while (this.running < AT_ONCE && this.line.length) {
      this.running += 1;
      this.line.shift().run().finally(() => {
        this.running -= 1;
        this.next();
      });
    }
  }

  count() {
    const settled = this.photos.filter((photo) => photo.settled).length;
    const said = this.texts.done(settled, this.photos.length);
    if (this.photos.length && this.said.textContent !== said) this.said.textContent = said;
  }
}

customElements.define("stadtfunk-photos", StadtfunkPhotos);
})();
