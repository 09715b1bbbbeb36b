// A box drawn on the first picture of the next question: by pointer (mouse, pen, finger) or by arrow keys. Only what
// was drawn lives here, in parts of the picture's width and height; the server makes pixels of it and shows the chip.
(() => {
  "use strict";

  const LEAST = 0.02; // of a side: less is a click, no box
  const STEP = 0.02;
  const dialog = () => document.getElementById("part-dialog");
  const film = () => dialog().querySelector(".film");
  const limited = (value, least, most) => Math.min(Math.max(value, least), most);

  // --- which picture the next question is about first ----------------------------------------------------
  function picture() {
    const waiting = document.querySelector("#box .thumbnail-item img");
    // Gradio keeps an upload at …/digest/name.
    if (waiting) return { of: waiting.src.split("/").at(-2), src: waiting.src };
    const asked = document.querySelector("#same input:checked") && document.querySelector("#current .uploads img");
    return asked ? { of: asked.dataset.picture, src: `asked/${asked.dataset.picture}` } : null;
  }

  // The chip is shown only beside the picture that it is of: one that was taken out of the box takes its part along.
  function tidy() {
    const bar = document.querySelector("#part .part");
    if (!bar) return;
    const now = picture();
    const chip = bar.querySelector(".marked");
    bar.hidden = !now;
    if (chip) chip.hidden = chip.dataset.of !== now?.of;
  }

  new MutationObserver(tidy).observe(document.documentElement, {
    childList: true, subtree: true, attributes: true, attributeFilter: ["src"],
  });
  document.addEventListener("change", tidy);

  // --- the box -------------------------------------------------------------------------------------------
  let box = null;
  let boxOf = "";

  function show() {
    const drawn = dialog().querySelector(".drawn-box");
    const use = dialog().querySelector(".use");
    drawn.hidden = use.disabled = !box;
    dialog().querySelector(".size").textContent = box ? described(box) : "No box yet";
    if (!box) return;
    use.dataset.value = [box.x0, box.y0, box.x1, box.y1].map((edge) => edge.toFixed(5)).join(",");
    for (const edge of ["x0", "y0", "x1", "y1"]) drawn.style.setProperty(`--${edge}`, box[edge]);
  }

  function described({ x0, y0, x1, y1 }) {
    const percent = (part) => Math.round(100 * part);
    return `Box: ${percent(x1 - x0)} % × ${percent(y1 - y0)} %, left ${percent(x0)} %, top ${percent(y0)} %`;
  }

  function between(a, b) {
    const made = { x0: Math.min(a.x, b.x), y0: Math.min(a.y, b.y), x1: Math.max(a.x, b.x), y1: Math.max(a.y, b.y) };
    return made.x1 - made.x0 < LEAST || made.y1 - made.y0 < LEAST ? null : made;
  }

  function moved({ x0, y0, x1, y1 }, dx, dy) {
    const [x, y] = [limited(dx, -x0, 1 - x1), limited(dy, -y0, 1 - y1)];
    return { x0: x0 + x, y0: y0 + y, x1: x1 + x, y1: y1 + y };
  }

  function resized({ x0, y0, x1, y1 }, dx, dy) {
    return { x0, y0, x1: limited(x1 + dx, x0 + STEP, 1), y1: limited(y1 + dy, y0 + STEP, 1) };
  }

  // --- the dialog ----------------------------------------------------------------------------------------
  function open() {
    const now = picture();
    if (!now || !dialog()) return;
    if (boxOf !== now.of) box = null;
    boxOf = now.of;
    const image = film().querySelector("img");
    const seen = (loaded) => {
      film().hidden = !loaded;
      dialog().querySelector(".unseen").hidden = loaded;
      film().style.setProperty("--ratio", loaded ? image.naturalWidth / image.naturalHeight : 1);
      if (loaded) film().focus();
    };
    image.onload = () => seen(true);
    image.onerror = () => seen(false);
    image.src = now.src;
    show();
    dialog().showModal();
  }

  function close() {
    dialog().close();
    document.querySelector("#box textarea")?.focus();
  }

  document.addEventListener("click", (event) => {
    const act = event.target.closest("[data-part]")?.dataset.part;
    if (act === "open") open();
    // What was drawn is sent by the bridge, which hears the same click.
    if (act === "close" || event.target.closest("#part-dialog .use")) close();
  });

  // --- pointer -------------------------------------------------------------------------------------------
  let from = null;
  let before = null;

  function at(event) {
    const area = film().getBoundingClientRect();
    const part = (value, start, length) => limited((value - start) / length, 0, 1);
    return { x: part(event.clientX, area.left, area.width), y: part(event.clientY, area.top, area.height) };
  }

  document.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || !event.target.closest("#part-dialog .film")) return;
    [from, before] = [at(event), box];
    film().setPointerCapture(event.pointerId);
  });

  document.addEventListener("pointermove", (event) => {
    if (!from || !event.isPrimary) return;
    box = between(from, at(event)) ?? before;
    show();
  });

  for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => (from = null));

  // --- keyboard ------------------------------------------------------------------------------------------
  const WAYS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

  document.addEventListener("keydown", (event) => {
    if (!event.target.closest?.("#part-dialog .film")) return;
    const way = WAYS[event.key];
    if (!way && event.key !== "Enter") return;
    // Else the key would go on to the question's box, which then has the focus, and ask.
    event.preventDefault();
    if (!way) {
      if (box) dialog().querySelector(".use").click();
      return;
    }
    const start = box ?? { x0: 0.25, y0: 0.25, x1: 0.75, y1: 0.75 };
    box = !box ? start : event.shiftKey ? resized(start, ...way) : moved(start, ...way);
    show();
  });
})();
