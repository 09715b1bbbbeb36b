"use strict";

(() => {
  const { names, points, panels, by } = JSON.parse(document.getElementById("data").textContent);
  const PALETTE = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#ee8866", "#44bb99", "#7755bb", "#997700"];
  const MOST_NAMES = 10;
  const NEAR = 12; // pixels within which a dot is meant
  const OTHER = "the others";
  const UNKNOWN = "not stated";
  const field = { domain: 2, modality: 3, label: 4 };
  const element = (id) => document.getElementById(id);
  const canvas = element("plane");
  const pen = canvas.getContext("2d");

  let panel = panels[0];
  let wished = by; // a panel without it takes the next best
  let colour = by;
  let groups = []; // of the panel: { name, members: [place in the panel], colour, shown }
  let groupOf = [];
  let reach = { x: 1, y: 1 };
  let view = { x: 0, y: 0, zoom: 1 };
  let met = -1; // the place in the panel under the pointer

  const nameOf = (row) => names[points[row][field[colour]]] || UNKNOWN;
  const other = () => getComputedStyle(document.documentElement).getPropertyValue("--other").trim();

  function regroup() {
    const members = new Map();
    panel.rows.forEach((row, place) => {
      const name = nameOf(row);
      if (!members.has(name)) members.set(name, []);
      members.get(name).push(place);
    });
    const ordered = [...members].sort((a, b) => b[1].length - a[1].length || a[0].localeCompare(b[0]));
    const kept = ordered.length > MOST_NAMES ? MOST_NAMES : ordered.length;
    groups = ordered.slice(0, kept).map(([name, places], n) => ({ name, places, colour: PALETTE[n], shown: true }));
    const rest = ordered.slice(kept);
    if (rest.length) {
      groups.push({ name: `${OTHER} (${rest.length} names)`, places: rest.flatMap((one) => one[1]), colour: null, shown: true });
    }
    groupOf = new Array(panel.rows.length);
    groups.forEach((group) => group.places.forEach((place) => { groupOf[place] = group; }));
  }

  const farthest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0.05);
  const scale = () => view.zoom * 0.47 * Math.min(canvas.clientWidth / reach.x, canvas.clientHeight / reach.y);
  const across = (place) => canvas.clientWidth / 2 + (panel.x[place] - view.x) * scale();
  const down = (place) => canvas.clientHeight / 2 - (panel.y[place] - view.y) * scale();

  function draw() {
    const density = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * density), Math.round(canvas.clientHeight * density)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    pen.setTransform(density, 0, 0, density, 0, 0);
    pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    const radius = Math.max(2.2, Math.min(5, 90 / Math.sqrt(panel.rows.length))) * Math.min(2, Math.sqrt(view.zoom));
    for (const group of [...groups].reverse()) {
      if (!group.shown) continue;
      pen.fillStyle = group.colour || other();
      pen.globalAlpha = 0.85;
      for (const place of group.places) {
        pen.beginPath();
        pen.arc(across(place), down(place), radius, 0, 2 * Math.PI);
        pen.fill();
      }
    }
    pen.globalAlpha = 1;
    if (met >= 0) {
      pen.lineWidth = 2;
      pen.strokeStyle = getComputedStyle(document.body).color;
      pen.beginPath();
      pen.arc(across(met), down(met), radius + 3, 0, 2 * Math.PI);
      pen.stroke();
    }
    element("whole").hidden = view.zoom === 1 && view.x === 0 && view.y === 0;
  }

  function button(text, pressed, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.setAttribute("aria-pressed", pressed);
    made.addEventListener("click", act);
    return made;
  }

  function legend() {
    element("legend").replaceChildren(...groups.map((group) => {
      const row = document.createElement("li");
      const made = button("", group.shown, () => { group.shown = !group.shown; show(); });
      const [dot, name, count] = ["i", "b", "em"].map((tag) => document.createElement(tag));
      dot.style.background = group.colour || other();
      name.textContent = group.name;
      count.textContent = group.places.length;
      made.append(dot, name, count);
      row.append(made);
      return row;
    }));
    const shown = groups.filter((group) => group.shown).reduce((sum, group) => sum + group.places.length, 0);
    element("count").textContent = `${shown} of ${panel.rows.length} shown`;
  }

  function note() {
    const [same, chance] = panel.agreements[colour];
    const percent = (share) => `${Math.round(100 * share)} %`;
    const said = [`Space: ${panel.space}.`];
    if (chance > 0 && chance < 1) said.push(`Of the five nearest of other patients, ${percent(same)} share the ${colour} (chance ${percent(chance)}).`);
    if (panel.trust !== null) said.push(`Neighbourhoods kept on the plane: ${percent(panel.trust)}.`);
    element("note").textContent = said.join(" ");
  }

  function controls() {
    element("panels").replaceChildren(...panels.map((one) => {
      const made = button(one.name, false, () => open(one));
      made.removeAttribute("aria-pressed");
      made.setAttribute("role", "tab");
      made.setAttribute("aria-selected", one === panel);
      return made;
    }));
    const group = element("colours");
    group.replaceChildren(group.firstElementChild, ...panel.colours.map((name) =>
      button(name, name === colour, () => { wished = colour = name; refresh(); })));
    group.hidden = panel.colours.length === 0;
  }

  function show() { legend(); draw(); }
  function refresh() { met = -1; card(); regroup(); controls(); note(); show(); }

  function open(one) {
    panel = one;
    view = { x: 0, y: 0, zoom: 1 };
    reach = { x: farthest(panel.x), y: farthest(panel.y) };
    colour = [wished, "label", "modality"].find((name) => panel.colours.includes(name)) || "modality";
    refresh();
  }

  function card(x = 0, y = 0) {
    const box = element("card");
    box.hidden = met < 0;
    if (met < 0) return;
    const [corpus, record, domain, modality, , labels, text, licence, small] = points[panel.rows[met]];
    element("picture").hidden = !small;
    if (small) element("picture").src = small;
    element("record").textContent = `${names[corpus]}/${record}`;
    element("what").textContent = [names[domain], names[modality], labels.map((n) => names[n]).join(", ")].filter(Boolean).join(" · ");
    element("said").textContent = text;
    element("licence").textContent = names[licence];
    const room = canvas.parentElement.getBoundingClientRect();
    box.style.left = `${Math.max(0, x + 16 + box.offsetWidth > room.width ? x - box.offsetWidth - 16 : x + 16)}px`;
    box.style.top = `${Math.max(0, Math.min(y + 12, room.height - box.offsetHeight - 4))}px`;
  }

  function nearest(x, y) {
    let best = -1;
    let away = NEAR * NEAR;
    for (let place = 0; place < panel.rows.length; place += 1) {
      if (!groupOf[place].shown) continue;
      const found = (across(place) - x) ** 2 + (down(place) - y) ** 2;
      if (found < away) [best, away] = [place, found];
    }
    return best;
  }

  function zoomAt(x, y, factor) {
    const zoom = Math.max(1, Math.min(40, view.zoom * factor));
    const [left, up] = [(x - canvas.clientWidth / 2) / scale(), (canvas.clientHeight / 2 - y) / scale()];
    view = { x: view.x + left - left * view.zoom / zoom, y: view.y + up - up * view.zoom / zoom, zoom };
    if (zoom === 1) view = { x: 0, y: 0, zoom };
    draw();
  }

  function move(x, y) {
    view = { ...view, x: view.x + x / scale(), y: view.y + y / scale() };
    draw();
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = { x: event.clientX, y: event.clientY };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => { held = null; });
  canvas.addEventListener("pointercancel", () => { held = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (held) {
      move(held.x - event.clientX, event.clientY - held.y);
      held = { x: event.clientX, y: event.clientY };
      return;
    }
    const place = nearest(event.offsetX, event.offsetY);
    if (place !== met) { met = place; draw(); }
    card(event.offsetX, event.offsetY);
  });
  canvas.addEventListener("pointerleave", () => { met = -1; card(); draw(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAt(event.offsetX, event.offsetY, Math.exp(-event.deltaY / 400));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const middle = [canvas.clientWidth / 2, canvas.clientHeight / 2];
    const act = {
      ArrowLeft: () => move(-40, 0),
      ArrowRight: () => move(40, 0),
      ArrowUp: () => move(0, 40),
      ArrowDown: () => move(0, -40),
      "+": () => zoomAt(...middle, 1.3),
      "-": () => zoomAt(...middle, 1 / 1.3),
      0: () => element("whole").click(),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  element("whole").addEventListener("click", () => { view = { x: 0, y: 0, zoom: 1 }; draw(); });
  element("all").addEventListener("click", () => { groups.forEach((group) => { group.shown = true; }); show(); });
  element("none").addEventListener("click", () => { groups.forEach((group) => { group.shown = false; }); show(); });
  new ResizeObserver(draw).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);

  open(panel);
})();
