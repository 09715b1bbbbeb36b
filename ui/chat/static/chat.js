// Numbers and tiles light each other up; tiles open large. Everything is delegated from the document,
// because the server re-renders the parts while an answer streams.
(() => {
  "use strict";

  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const gallery = () => document.querySelector("#gallery .gallery");
  const tile = (number) => document.querySelector(`#gallery .tile[data-number="${number}"]`);
  const dialog = () => document.getElementById("evidence-dialog");
  const reduced = matchMedia("(prefers-reduced-motion: reduce)");

  // --- theme -------------------------------------------------------------------------------------
  const THEME = "curbside-theme";

  function applyTheme() {
    const chosen = localStorage.getItem(THEME);
    if (chosen && chosen !== (document.body.classList.contains("dark") ? "dark" : "light")) {
      document.body.classList.toggle("dark", chosen === "dark");
    }
  }

  function switchTheme() {
    const dark = !document.body.classList.contains("dark");
    localStorage.setItem(THEME, dark ? "dark" : "light");
    applyTheme();
  }

  // Gradio sets the system's theme at some moment of its start; what the person chose has the last word.
  applyTheme();
  new MutationObserver(applyTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });

  // --- which exchange the gallery shows --------------------------------------------------------------
  const exchangeOf = (node) => node.closest(".exchange");

  function isShown(exchange) {
    const shown = gallery()?.dataset.shows;
    return shown ? shown === exchange.dataset.exchange : exchange === all(".exchange").at(-1);
  }

  function show(exchange) {
    const store = exchange.querySelector(".evidence-of");
    if (isShown(exchange) || !store || !gallery()) return;
    gallery().innerHTML = store.innerHTML;
    gallery().dataset.shows = exchange.dataset.exchange;
  }

  // --- lighting up ---------------------------------------------------------------------------------
  function darken() {
    all(".lit").forEach((node) => node.classList.remove("lit"));
  }

  function light(node) {
    darken();
    const cite = node.closest(".cite");
    if (cite && exchangeOf(cite)) {
      show(exchangeOf(cite));
      [cite, tile(cite.dataset.number)].forEach((part) => part?.classList.add("lit"));
      return;
    }
    const marked = node.closest("#gallery .tile");
    if (!marked) return;
    marked.classList.add("lit");
    all(`.exchange .cite[data-number="${marked.dataset.number}"]`)
      .filter((part) => isShown(exchangeOf(part)))
      .forEach((part) => part.classList.add("lit"));
  }

  document.addEventListener("pointerover", (event) => light(event.target));
  document.addEventListener("focusin", (event) => light(event.target));

  // --- the dialog ----------------------------------------------------------------------------------
  let zoom = 1;

  function frame() {
    dialog().style.setProperty("--zoom", zoom);
    all(".views .frame", dialog()).forEach((part) => part.classList.toggle("zoomed", zoom > 1));
  }

  function open(number) {
    const chosen = tile(number);
    const detail = chosen?.querySelector(".detail");
    if (!detail || !dialog()) return;
    chosen.scrollIntoView({ block: "nearest", behavior: reduced.matches ? "auto" : "smooth" });
    const body = dialog().querySelector(".body");
    body.innerHTML = detail.innerHTML;
    dialog().dataset.number = number;
    dialog().querySelector("h2").textContent = body.querySelector(".views").dataset.title;
    zoom = 1;
    frame();
    if (!dialog().open) dialog().showModal();
    body.scrollTop = 0;
    body.querySelector("mark")?.scrollIntoView({ block: "nearest" });
    light(chosen);
  }

  function step(by) {
    const tiles = all("#gallery .tile");
    const at = tiles.findIndex((part) => part.dataset.number === dialog().dataset.number);
    const next = tiles[(at + by + tiles.length) % tiles.length];
    if (next) open(next.dataset.number);
  }

  function close() {
    const number = dialog().dataset.number;
    dialog().close();
    tile(number)?.querySelector(".open").focus();
  }

  async function copy(button) {
    const text = button.parentElement.querySelector(".copy-text").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Browsers give the clipboard to secure pages only; a selection works everywhere.
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  }

  // Where two pictures are alike is worked out on demand, from the part of the asked picture that was asked about.
  async function why(button) {
    const number = dialog().dataset.number;
    const area = button.closest(".words").querySelector(".maps");
    const asked = all(".exchange").filter((part) => isShown(part)).pop();
    const [picture] = asked ? all(".uploads img", asked) : [];
    button.disabled = true;
    area.textContent = "Looking…";
    try {
      const answer = await fetch("why", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          record: button.dataset.record,
          text: asked?.querySelector(".question p")?.textContent ?? "",
          picture: picture?.dataset.picture ?? "",
          region: region(picture),
        }),
      });
      const told = await answer.json();
      if (dialog().dataset.number !== number) return;
      area.replaceChildren(...(told.maps ?? []).map(map), note(told.problem ?? "Orange makes the match, blue speaks against it."));
    } catch {
      area.textContent = "The server did not answer.";
    }
    button.disabled = false;
  }

  // Both sides of the finding stand above the evidence, which stays: the answer's numbers lead to it.
  async function contrast(box) {
    const area = box.closest(".gallery").querySelector(".both-sides");
    if (!box.checked) return area.replaceChildren();
    area.replaceChildren(note("Searching…"));
    let told = { problem: "The server did not answer." };
    try {
      const answer = await fetch("contrast", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ question: box.dataset.question }),
      });
      told = await answer.json();
    } catch {
      // The sentence stands already.
    }
    if (!box.checked) return;
    if (told.html) area.innerHTML = told.html;
    else area.replaceChildren(note(told.problem));
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("#gallery input.contrast")) contrast(event.target);
  });

  function region(picture) {
    if (!picture?.dataset.region) return null;
    const [x0, y0, x1, y1] = picture.dataset.region.split(",").map(Number);
    return { x0, y0, x1, y1 };
  }

  function map({ title, cosine, image }) {
    const figure = document.createElement("figure");
    const shown = Object.assign(document.createElement("img"), { src: image, alt: `map over ${title}` });
    const caption = document.createElement("figcaption");
    caption.textContent = `${title} (${cosine.toFixed(2)})`;
    figure.append(shown, caption);
    return figure;
  }

  function note(text) {
    return Object.assign(document.createElement("p"), { className: "hint", textContent: text });
  }

  const acts = {
    why,
    theme: switchTheme,
    copy,
    close,
    previous: () => step(-1),
    next: () => step(1),
    "zoom-in": () => ((zoom = Math.min(zoom * 1.5, 6)), frame()),
    "zoom-out": () => ((zoom = Math.max(zoom / 1.5, 1)), frame()),
    invert: (button) => {
      const inverted = dialog().classList.toggle("inverted");
      button.setAttribute("aria-pressed", String(inverted));
    },
  };

  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-act]");
    if (act) return void acts[act.dataset.act]?.(act);
    const opener = event.target.closest("#gallery .tile .open, .exchange .cite");
    if (opener) {
      light(opener);
      return open((opener.closest(".tile") ?? opener).dataset.number);
    }
    if (event.target === dialog()) close();
  });

  // Closing by Escape comes as `cancel`, which does not bubble.
  document.addEventListener("cancel", (event) => {
    if (event.target === dialog()) {
      event.preventDefault();
      close();
    }
  }, true);

  // --- keyboard ------------------------------------------------------------------------------------
  const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

  document.addEventListener("keydown", (event) => {
    const by = STEPS[event.key];
    if (!by) return;
    if (dialog()?.open) {
      if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
        event.preventDefault();
        step(by);
      }
      return;
    }
    const here = document.activeElement?.closest?.("#gallery .tile");
    if (!here) return;
    event.preventDefault();
    const tiles = all("#gallery .tile");
    tiles[(tiles.indexOf(here) + by + tiles.length) % tiles.length].querySelector(".open").focus();
  });

  // --- a new question comes into view, and the answer is followed while the reader is at its end ----------
  let following = true;

  document.addEventListener("scroll", (event) => {
    const pane = event.target;
    if (pane.id === "conversation") following = pane.scrollHeight - pane.scrollTop - pane.clientHeight < 60;
  }, true);

  new MutationObserver((changes) => {
    const pane = document.getElementById("conversation");
    if (!pane || !changes.some((change) => pane.contains(change.target))) return;
    const busy = pane.querySelector(".exchange.asking");
    if (busy && following) pane.scrollTop = pane.scrollHeight;
  }).observe(document.documentElement, { childList: true, subtree: true, characterData: true });
})();
