// Shows /openapi.json: each route with its fields, an example that can be sent, and the same as a curl line.
"use strict";

const base = location.pathname.replace(/\/docs\/?$/, "");

function make(name, text, attributes = {}) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

let schemas = {};

// Text in which `names` are set as code.
function marked(name, text, attributes = {}) {
  const element = make(name, undefined, attributes);
  text.split("`").forEach((part, place) => element.append(place % 2 ? make("code", part) : part));
  return element;
}

function typeOf(schema) {
  if (schema.$ref) return `{${Object.keys(schemas[schema.$ref.split("/").pop()].properties).join(", ")}}`;
  if (schema.anyOf) return schema.anyOf.filter((one) => one.type !== "null").map(typeOf).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items || {})}`;
  return schema.type || "any";
}

function boundsOf(schema) {
  const said = [];
  if (schema.minimum !== undefined && schema.maximum !== undefined) said.push(`${schema.minimum}…${schema.maximum}`);
  if (schema.default) said.push(`default ${schema.default}`);
  return said.map((part) => `, ${part}`).join("");
}

function fieldsOf(schema) {
  const table = make("table");
  const head = table.createTHead().insertRow();
  for (const title of ["field", "type", "what it is"]) head.append(make("th", title));
  for (const [name, field] of Object.entries(schema.properties || {})) {
    const row = table.insertRow();
    const cell = make("td");
    cell.append(make("code", name));
    row.append(cell, make("td", typeOf(field) + boundsOf(field)), marked("td", field.description || ""));
  }
  return table;
}

function curlOf(method, path, body) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const start = `curl ${quoted(location.origin + base + path)}`;
  return body === undefined ? start : `${start} -H 'Content-Type: application/json' -d ${quoted(body)}`;
}

async function send(method, path, body, shown) {
  shown.replaceChildren(make("span", "…", { class: "status" }));
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    const response = await fetch(base + path, { method, headers, body });
    const kind = response.headers.get("content-type") || "";
    const status = make("span", `${response.status} ${kind}`, { class: response.ok ? "status" : "status bad" });
    if (kind.startsWith("image/")) {
      const reader = new FileReader();
      reader.onload = () => shown.replaceChildren(status, make("img", undefined, { class: "picture", src: reader.result, alt: "" }));
      reader.readAsDataURL(await response.blob());
      return;
    }
    const text = await response.text();
    const pretty = kind.startsWith("application/json") ? JSON.stringify(JSON.parse(text), null, 1) : text;
    shown.replaceChildren(status, make("pre", pretty, { tabindex: "0" }));
  } catch (error) {
    shown.replaceChildren(make("span", `No answer: ${error.message}`, { class: "status bad" }));
  }
}

function routeOf(method, path, route) {
  const details = make("details");
  const summary = make("summary");
  const [first, ...rest] = (route.description || route.summary || "").split("\n\n");
  summary.append(make("span", method, { class: "method" }), make("span", path, { class: "path" }), marked("span", first, { class: "what" }));
  const inside = make("div");
  for (const paragraph of rest) inside.append(marked("p", paragraph));

  const inputs = new Map();
  for (const parameter of route.parameters || []) {
    const label = make("label", `${parameter.name} (${parameter.in}, ${typeOf(parameter.schema)}) ${parameter.description || ""}`);
    const input = make("input", undefined, { name: parameter.name, value: parameter.schema.default ?? "" });
    inputs.set(parameter, input);
    label.append(input);
    inside.append(label);
  }

  const json = route.requestBody?.content["application/json"];
  let area;
  if (json) {
    inside.append(fieldsOf(json.schema));
    inside.append(make("p", "As multipart/form-data the same fields are form fields, and each file named images is a picture."));
    const label = make("label", "body");
    area = make("textarea", JSON.stringify(json.example, null, 1), { spellcheck: "false" });
    label.append(area);
    inside.append(label);
  }

  const curl = make("pre", "", { tabindex: "0" });
  const shown = make("div", undefined, { "aria-live": "polite" });
  const button = make("button", "Send", { type: "button" });
  const filled = () => {
    let full = path;
    const query = new URLSearchParams();
    for (const [parameter, input] of inputs) {
      const value = parameter.name === "id" ? encodeURI(input.value) : encodeURIComponent(input.value);
      if (parameter.in === "path") full = full.replace(`{${parameter.name}}`, value || `{${parameter.name}}`);
      else if (input.value) query.set(parameter.name, input.value);
    }
    return query.size ? `${full}?${query}` : full;
  };
  const refresh = () => { curl.textContent = curlOf(method, filled(), area?.value); };
  for (const input of [...inputs.values(), area]) input?.addEventListener("input", refresh);
  button.addEventListener("click", () => send(method, filled(), area?.value, shown));
  refresh();
  inside.append(curl, button, shown);
  details.append(summary, inside);
  return details;
}

async function load() {
  const main = document.getElementById("routes");
  const said = await (await fetch(`${base}/openapi.json`)).json();
  schemas = said.components.schemas;
  document.getElementById("about").replaceChildren(marked("span", said.info.description));
  document.getElementById("version").textContent = `version ${said.info.version}`;
  const groups = new Map();
  for (const [path, methods] of Object.entries(said.paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const tag = route.tags?.[0] || "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(routeOf(method.toUpperCase(), path, route));
    }
  }
  main.replaceChildren();
  for (const [tag, routes] of groups) main.append(make("h2", tag), ...routes);
  main.querySelector("details").open = true;
}

load();
