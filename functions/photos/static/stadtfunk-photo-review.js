/**
 * <stadtfunk-photo-review>: staff look at held photos and samples, add what is to be masked, approve or reject.
 *
 *   language   of the interface, "de" or "en"; without it that of the page around
 *
 * Only masked photos are ever shown, each picture of a file with several. A box is drawn with the mouse, or added and
 * moved by keys; it masks in every picture, or in one.
 */
(() => {
const KINDS = ["face", "plate", "person"];
const LEAST = 4; // pixels a side

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
  color: var(--ink); line-height: 1.55; overflow-wrap: break-word;
}
:host { display: block; }
[hidden] { display: none !important; }
*, *::before, *::after { box-sizing: border-box; }
h2, h3, p, ol, ul { margin: 0; }
h2 { font-size: 1.25em; line-height: 1.3; }
ol, ul { padding: 0; list-style: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 0.25em; }
.said { min-height: 1.6em; margin-bottom: 0.75em; color: var(--soft); }
.said.failed { color: var(--bad); }
.queue { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16em, 100%), 1fr)); gap: 0.75em; }
.queue button {
  width: 100%; height: 100%; padding: 0.9em 1.1em; background: var(--surface); color: var(--ink); text-align: start;
  border: 1px solid var(--line); border-radius: var(--round); font: inherit; cursor: pointer;
}
.queue button:hover { background: var(--tint); }
.queue button[aria-current="true"] { border-color: var(--accent); box-shadow: inset 4px 0 0 var(--accent); }
.queue strong, .queue span { display: block; }
.queue span { color: var(--soft); font-size: 0.9375em; }
.desk { display: grid; gap: 1em; margin-top: 2em; }
.desk:focus { outline: none; }
.view { overflow: auto; max-height: 75vh; background: var(--tint); border: 1px solid var(--line); border-radius: 0.4em; }
.stage { position: relative; width: calc(100% * var(--zoom, 1)); line-height: 0; cursor: crosshair; touch-action: none; }
.stage img { display: block; width: 100%; height: auto; user-select: none; }
.box {
  position: absolute; padding: 0; background: rgb(162 60 18 / 35%); border: 2px solid #a23c12;
  box-shadow: 0 0 0 1px #fff; cursor: move; font: inherit;
}
.tools, .deeds { display: flex; flex-wrap: wrap; align-items: center; gap: 0.75em 1.25em; }
.tools label { display: inline-flex; flex-wrap: wrap; align-items: center; gap: 0.5em; }
.tools input[type="range"] { accent-color: var(--accent); }
select {
  padding: 0.25em 0.5em; background: var(--surface); color: var(--ink); border: 1px solid var(--edge);
  border-radius: 0.375em; font: inherit;
}
.button:disabled { opacity: 0.55; cursor: not-allowed; }
.hint { max-width: 46em; color: var(--soft); font-size: 0.9375em; }
.boxes { display: grid; gap: 0.4em; }
.boxes li { display: flex; flex-wrap: wrap; align-items: center; gap: 0.4em 0.9em; }
.button {
  padding: 0.6em 1.3em; background: var(--accent); color: var(--on-accent); border: 1px solid var(--accent);
  border-radius: var(--round); font: inherit; font-weight: 600; cursor: pointer;
}
.button:hover { background: var(--accent-strong); }
.plain {
  padding: 0.35em 1em; background: var(--surface); color: var(--accent); border: 1px solid var(--edge);
  border-radius: 1.5em; font: inherit; cursor: pointer;
}
.plain:hover { background: var(--tint); }
.reject { color: var(--bad); }
`;

const TEXTS = {
  de: {
    loading: "Die Liste wird geholt …", failed: "Das hat nicht geklappt. Bitte laden Sie die Seite neu.",
    forbidden: "Bitte melden Sie sich an.", waiting: (count) => (count === 1 ? "Ein Foto wartet." : `${count} Fotos warten.`),
    nothing: "Kein Foto wartet.", held: "Angehalten", sample: "Stichprobe", list: "Fotos, die warten",
    still_found: "Nach zwei Durchgängen fällt noch etwas auf.",
    until: (day) => `Entscheiden bis ${day}`, found: (count) => `${count} Stellen gefunden`,
    desk: (kind) => `${kind}: was ist noch erkennbar?`, zoom: "Vergrößerung", alt: "Das verdeckte Foto",
    hint: "Ziehen Sie mit der Maus einen Kasten um das, was noch erkennbar ist. Mit der Tastatur: Kasten hinzufügen, dann verschieben die Pfeiltasten, Umschalt und Pfeiltasten ändern die Größe, Entf löscht. Mit Strg geht es in großen Schritten.",
    add: "Kasten hinzufügen", boxes: "Kästen", kind: "Was es ist", face: "Gesicht", plate: "Kennzeichen", person: "Person",
    box: (n, kind, b) => `Kasten ${n}, ${kind}: links ${b.left}, oben ${b.top}, breit ${b.right - b.left}, hoch ${b.bottom - b.top}`,
    remove: (n) => `Kasten ${n} löschen`, picture: "Bild", pictures: (count) => `${count} Bilder`, of: (n, all) => `Bild ${n} von ${all}`,
    back: "Voriges Bild", next: "Nächstes Bild", where: "In welchen Bildern", each: "in allen Bildern", only: (n) => `nur in Bild ${n}`,
    unseen: (left) => (left === 1 ? "Ein Bild haben Sie noch nicht angesehen." : `${left} Bilder haben Sie noch nicht angesehen.`),
    approve: "Freigeben", further: "Verdecken und freigeben", reject: "Verwerfen", sure: "Wirklich verwerfen und löschen?",
    approved: "Freigegeben.", rejected: "Verworfen.", other: "Darüber hat schon jemand anderes entschieden.",
    view: "Foto; mit den Pfeiltasten verschieben",
  },
  en: {
    loading: "Fetching the list …", failed: "That did not work. Please reload the page.",
    forbidden: "Please sign in.", waiting: (count) => (count === 1 ? "One photo waits." : `${count} photos wait.`),
    nothing: "No photo waits.", held: "Held", sample: "Sample", list: "Photos that wait",
    still_found: "Something still shows after two passes.",
    until: (day) => `Decide by ${day}`, found: (count) => `${count} things found`,
    desk: (kind) => `${kind}: what can still be recognised?`, zoom: "Zoom", alt: "The masked photo",
    hint: "Draw a box with the mouse around what can still be recognised. By keys: add a box, then arrow keys move it, Shift and arrow keys change its size, Delete removes it. Ctrl makes the steps large.",
    add: "Add a box", boxes: "Boxes", kind: "What it is", face: "face", plate: "number plate", person: "person",
    box: (n, kind, b) => `Box ${n}, ${kind}: left ${b.left}, top ${b.top}, width ${b.right - b.left}, height ${b.bottom - b.top}`,
    remove: (n) => `Delete box ${n}`, picture: "Picture", pictures: (count) => `${count} pictures`, of: (n, all) => `Picture ${n} of ${all}`,
    back: "Previous picture", next: "Next picture", where: "In which pictures", each: "in every picture", only: (n) => `only in picture ${n}`,
    unseen: (left) => (left === 1 ? "One picture you have not looked at yet." : `${left} pictures you have not looked at yet.`),
    approve: "Approve", further: "Mask and approve", reject: "Reject", sure: "Really reject and delete?",
    approved: "Approved.", rejected: "Rejected.", other: "Somebody else has decided about this photo.",
    view: "Photo; arrow keys move it",
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
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

const within = (value, low, high) => Math.min(Math.max(value, low), high);

/** The queue; a server that is busy is asked again before anybody is told to. */
async function listed() {
  let answer = null;
  for (const pause of [0, 1000, 4000]) {
    await new Promise((go) => setTimeout(go, pause));
    answer = await fetch("/photos/review/queue").catch(() => null);
    if (answer && (answer.ok || answer.status < 500)) break;
  }
  return answer;
}

/** The pictures of one photo, fetched as they are looked at and kept until the desk is cleared. */
class Pictures {
  constructor(url) {
    this.url = url;
    this.count = 1;
    this.kept = new Map();
  }

  /** A picture's address; its status where there is none. */
  async get(number) {
    if (!this.kept.has(number)) {
      const answer = await fetch(`${this.url}?frame=${number}`).catch(() => null);
      if (!answer?.ok) throw new Error(String(answer?.status ?? ""));
      this.count = Number(answer.headers.get("photo-frames")) || 1;
      this.kept.set(number, URL.createObjectURL(await answer.blob()));
    }
    return this.kept.get(number);
  }

  get unseen() {
    return this.count - this.kept.size;
  }

  free() {
    for (const url of this.kept.values()) URL.revokeObjectURL(url);
    this.kept.clear();
  }
}

/** One photo on the desk: its pictures, its boxes and the decision. */
class Desk {
  constructor(home, candidate, pictures, picture) {
    this.home = home;
    this.candidate = candidate;
    this.pictures = pictures;
    this.picture = picture;
    this.frame = 0;
    this.boxes = [];
    const { texts } = home;
    this.stage = make("div", { className: "stage" }, picture);
    this.rows = make("ol", { className: "boxes", "aria-label": texts.boxes });
    this.approve = make("button", { type: "button", className: "button", onclick: () => this.decide("approved") });
    const reject = make("button", { type: "button", className: "plain reject" }, texts.reject);
    reject.addEventListener("click", () => {
      if (reject.textContent === texts.sure) this.decide("rejected");
      else reject.textContent = texts.sure;
    });
    const zoom = make("input", { type: "range", min: 1, max: 6, step: 0.5, value: 1 });
    zoom.addEventListener("input", () => this.stage.style.setProperty("--zoom", zoom.value));
    this.number = make("output", { role: "status" });
    this.wheel = make("input", { type: "range", min: 1, max: pictures.count, step: 1, value: 1 });
    this.wheel.addEventListener("input", () => this.turn(Number(this.wheel.value) - 1));
    this.left = make("p", { className: "hint" });
    const several = make("div", { className: "tools", hidden: pictures.count < 2 },
      make("button", { type: "button", className: "plain", onclick: () => this.turn(this.frame - 1) }, texts.back),
      make("label", {}, texts.picture, this.wheel),
      make("button", { type: "button", className: "plain", onclick: () => this.turn(this.frame + 1) }, texts.next),
      this.number);
    const tools = make("div", { className: "tools" },
      make("button", { type: "button", className: "plain", onclick: () => this.insert() }, texts.add),
      make("label", {}, texts.zoom, zoom));
    this.element = make("section", { className: "desk", tabIndex: -1, "aria-label": texts.desk(texts[candidate.kind]) },
      make("h2", {}, texts.desk(texts[candidate.kind])),
      make("p", { className: "hint" }, texts.hint),
      tools,
      several,
      make("div", { className: "view", tabIndex: 0, role: "region", "aria-label": texts.view }, this.stage),
      this.rows,
      this.left,
      make("div", { className: "deeds" }, this.approve, reject));
    this.stage.addEventListener("pointerdown", (event) => this.press(event));
    this.stage.addEventListener("pointermove", (event) => this.move(event));
    this.stage.addEventListener("pointerup", (event) => this.lift(event));
    this.stage.addEventListener("pointercancel", (event) => this.lift(event));
    this.show(0);
  }

  /** Look at another picture; whoever turns on meanwhile sees the last one that was asked for. */
  async turn(number) {
    const wanted = (this.wanted = within(number, 0, this.pictures.count - 1));
    try {
      this.picture.src = await this.pictures.get(wanted);
      await this.picture.decode();
    } catch (error) {
      if (this.wanted === wanted) this.home.lost(error.message);
      return;
    }
    if (this.wanted === wanted) this.show(wanted);
  }

  show(number) {
    const { texts } = this.home;
    const { count, unseen } = this.pictures;
    this.frame = number;
    this.width = this.picture.naturalWidth;
    this.height = this.picture.naturalHeight;
    this.picture.alt = count > 1 ? `${texts.alt}, ${texts.of(number + 1, count)}` : texts.alt;
    this.wheel.value = number + 1;
    this.wheel.setAttribute("aria-valuetext", texts.of(number + 1, count));
    this.number.textContent = texts.of(number + 1, count);
    this.left.textContent = unseen ? texts.unseen(unseen) : "";
    this.left.hidden = !unseen;
    this.approve.disabled = unseen > 0;
    this.draw();
  }

  /** Whether a box masks something in the picture that is shown. */
  shown(box) {
    return box.frame === undefined || box.frame === this.frame;
  }

  /** Where a pointer is, in pixels of the photo. */
  place(event) {
    const area = this.stage.getBoundingClientRect();
    return [
      Math.round(within((event.clientX - area.left) / area.width, 0, 1) * this.width),
      Math.round(within((event.clientY - area.top) / area.height, 0, 1) * this.height),
    ];
  }

  press(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    const [x, y] = this.place(event);
    const held = this.boxes.find((box) => box.mark === event.target);
    if (held) held.mark.focus();
    this.drag = held ? { held, x, y, from: { ...held } } : { x, y };
  }

  move(event) {
    if (!this.drag || !this.stage.hasPointerCapture(event.pointerId)) return;
    const [x, y] = this.place(event);
    const { held, from } = this.drag;
    if (held) this.shift(held, from.left + x - this.drag.x, from.top + y - this.drag.y);
    else {
      this.drag.box ??= this.grow({ left: x, top: y, right: x, bottom: y, kind: "face" });
      Object.assign(this.drag.box, {
        left: Math.min(x, this.drag.x), right: Math.max(x, this.drag.x),
        top: Math.min(y, this.drag.y), bottom: Math.max(y, this.drag.y),
      });
    }
    this.lay();
  }

  lift() {
    const { box } = this.drag ?? {};
    this.drag = null;
    if (box && (box.right - box.left < LEAST || box.bottom - box.top < LEAST)) this.take(box);
    this.draw();
    if (box?.mark.isConnected) box.mark.focus();
  }

  grow(box) {
    const mark = make("button", { type: "button", className: "box" });
    mark.addEventListener("keydown", (event) => this.key(event, box));
    box.mark = mark;
    this.boxes.push(box);
    this.stage.append(mark);
    return box;
  }

  take(box) {
    box.mark.remove();
    this.boxes = this.boxes.filter((one) => one !== box);
  }

  /** A new box in the middle, as large as a face often is. */
  insert() {
    const side = Math.max(LEAST, Math.round(Math.min(this.width, this.height) / 10));
    const left = Math.round((this.width - side) / 2);
    const top = Math.round((this.height - side) / 2);
    const box = this.grow({ left, top, right: left + side, bottom: top + side, kind: "face" });
    this.draw();
    box.mark.focus();
  }

  shift(box, left, top) {
    const width = box.right - box.left;
    const height = box.bottom - box.top;
    box.left = within(left, 0, this.width - width);
    box.top = within(top, 0, this.height - height);
    box.right = box.left + width;
    box.bottom = box.top + height;
  }

  key(event, box) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.take(box);
      this.draw();
      (this.boxes.at(-1)?.mark ?? this.approve).focus();
      return;
    }
    if (!way) return;
    event.preventDefault();
    const step = Math.max(1, Math.round(Math.max(this.width, this.height) / (event.ctrlKey ? 25 : 250)));
    const [x, y] = [way[0] * step, way[1] * step];
    if (event.shiftKey) {
      box.right = within(box.right + x, box.left + LEAST, this.width);
      box.bottom = within(box.bottom + y, box.top + LEAST, this.height);
    } else this.shift(box, box.left + x, box.top + y);
    this.lay();
  }

  /** Put each mark where its box is. */
  lay() {
    const { texts } = this.home;
    this.boxes.forEach((box, at) => {
      box.mark.hidden = !this.shown(box);
      Object.assign(box.mark.style, {
        left: `${(100 * box.left) / this.width}%`, top: `${(100 * box.top) / this.height}%`,
        width: `${(100 * (box.right - box.left)) / this.width}%`, height: `${(100 * (box.bottom - box.top)) / this.height}%`,
      });
      box.mark.setAttribute("aria-label", texts.box(at + 1, texts[box.kind], box));
    });
  }

  draw() {
    const { texts } = this.home;
    this.lay();
    this.approve.textContent = this.boxes.length ? texts.further : texts.approve;
    this.rows.hidden = !this.boxes.length;
    this.rows.replaceChildren(...this.boxes.map((box, at) => {
      const kind = make("select", { "aria-label": `${texts.kind}, ${texts.boxes} ${at + 1}` },
        ...KINDS.map((one) => make("option", { value: one, selected: one === box.kind }, texts[one])));
      kind.addEventListener("change", () => {
        box.kind = kind.value;
        this.lay();
      });
      const remove = make("button", { type: "button", className: "plain" }, texts.remove(at + 1));
      remove.addEventListener("click", () => {
        this.take(box);
        this.draw();
        (this.boxes.at(-1)?.mark ?? this.approve).focus();
      });
      return make("li", {}, `${at + 1}.`, kind, this.pictures.count > 1 && this.place_of(box, at), remove);
    }));
  }

  /** In which pictures a box masks: in each, or in the one that was shown when it was told so. */
  place_of(box, at) {
    const { texts } = this.home;
    const only = box.frame ?? this.frame;
    const choice = make("select", { "aria-label": `${texts.where}, ${texts.boxes} ${at + 1}` },
      make("option", { value: "", selected: box.frame === undefined }, texts.each),
      make("option", { value: String(only), selected: box.frame !== undefined }, texts.only(only + 1)));
    choice.addEventListener("change", () => {
      box.frame = choice.value === "" ? undefined : Number(choice.value);
      this.lay();
    });
    return choice;
  }

  async decide(decision) {
    const boxes = this.boxes.map(({ left, top, right, bottom, kind, frame }) => ({ left, top, right, bottom, kind, frame }));
    const body = JSON.stringify({ decision, boxes });
    const request = { method: "POST", headers: { "content-type": "application/json" }, body };
    const answer = await fetch(this.candidate.image_url, request).catch(() => null);
    const { texts } = this.home;
    if (answer?.ok) this.home.done(texts[decision]);
    else if (answer?.status === 404 || answer?.status === 409) this.home.done(texts.other);
    else this.home.say(texts.failed, true);
  }
}

class StadtfunkPhotoReview extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const told = this.getAttribute("language") ?? this.closest("[lang]")?.lang ?? "de";
    this.language = told.startsWith("en") ? "en" : "de";
    this.texts = TEXTS[this.language];
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.said = make("p", { className: "said", role: "status", tabIndex: -1 });
    this.queue = make("ul", { className: "queue", "aria-label": this.texts.list });
    this.desk = make("div");
    root.append(make("div", { className: "frame", lang: this.language }, this.said, this.queue, this.desk));
    this.load();
  }

  say(text, failed = false) {
    this.said.textContent = text;
    this.said.classList.toggle("failed", failed);
  }

  async load(before = "") {
    const { texts } = this;
    this.say(texts.loading);
    const answer = await listed();
    if (!answer?.ok) return this.say(answer?.status === 401 ? texts.forbidden : texts.failed, true);
    const { waiting, candidates } = await answer.json();
    const day = new Intl.DateTimeFormat(this.language, { dateStyle: "medium" });
    this.queue.replaceChildren(...candidates.map((one) => {
      const button = make("button", { type: "button" },
        make("strong", {}, texts[one.kind]),
        make("span", {}, one.reason ? (texts[one.reason] ?? one.reason) : texts.found(one.found)),
        make("span", {}, `${one.width} × ${one.height}${one.frames > 1 ? `, ${texts.pictures(one.frames)}` : ""}`),
        make("span", {}, texts.until(day.format(new Date(one.until)))));
      button.addEventListener("click", () => this.open(one, button));
      return make("li", {}, button);
    }));
    this.say(`${before} ${waiting ? texts.waiting(waiting) : texts.nothing}`.trim());
  }

  async open(candidate, button) {
    for (const other of this.queue.querySelectorAll("button")) other.removeAttribute("aria-current");
    button.setAttribute("aria-current", "true");
    this.free();
    const pictures = (this.pictures = new Pictures(candidate.image_url));
    try {
      const picture = make("img", { src: await pictures.get(0), alt: this.texts.alt, draggable: false });
      await picture.decode();
      if (this.pictures !== pictures) return; // another one was opened meanwhile
      const desk = new Desk(this, candidate, pictures, picture);
      this.desk.replaceChildren(desk.element);
      desk.element.focus();
    } catch (error) {
      if (this.pictures === pictures) this.lost(error.message);
    }
  }

  /** A picture cannot be had: it waits no more, or something broke. */
  lost(status) {
    if (status === "404") this.done(this.texts.other);
    else this.say(this.texts.failed, true);
  }

  done(text) {
    this.free();
    this.desk.replaceChildren();
    this.load(text).then(() => this.said.focus());
  }

  free() {
    this.pictures?.free();
    this.pictures = null;
  }
}

customElements.define("stadtfunk-photo-review", StadtfunkPhotoReview);
})();
