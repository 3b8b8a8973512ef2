"use strict";
// From cells to slides. A slide is 1280 x 720; its body may be as large as the
// style sheet says, and whatever is larger is laid out in another way.

const slides = document.querySelector(".slides");
let column = null; // a section of the chapter
let body = null; // the slide that is being filled
let carried = []; // a heading that waits for what it stands above

function newColumn() {
  column = document.createElement("section");
  slides.append(column);
}

function newSlide() {
  if (!column) newColumn();
  // only the one that is being filled is laid out
  document.querySelectorAll(".open").forEach(e => e.classList.remove("open"));
  const slide = document.createElement("section");
  column.classList.add("open");
  slide.classList.add("open");
  body = document.createElement("div");
  body.className = "body";
  slide.append(body);
  column.append(slide);
  return body;
}

const fits = (element = body) =>
  element.scrollHeight <= element.clientHeight + 1 &&
  element.scrollWidth <= element.clientWidth + 1;

// Make what is on a slide smaller until it fits.
function shrink(element) {
  const inner = element.firstElementChild;
  for (let zoom = 1; !fits(element) && zoom > 0.2; zoom *= 0.95) {
    inner.style.zoom = zoom;
  }
}

// Some parts on one slide, as wide as it is.
function put(parts) {
  newSlide();
  const inner = document.createElement("div");
  inner.append(...parts);
  body.append(inner);
  return inner;
}

function drop() {
  body.parentElement.remove();
}

// What may be cut, and into what: the rows of a table, the points of a list, the
// questions of a quiz.
function pieces(element) {
  if (element.matches("ul, ol, .html, .pc-quiz, .outputs, div:not([class])")) {
    return groups([...element.children]);
  }
  if (element.matches("table")) return [...element.querySelectorAll("tbody > tr")].map(r => [r]);
  return [];
}

// A question stays with its choices, a heading with what follows it.
function groups(children) {
  const found = [];
  let style = [];
  for (const child of children) {
    if (child.matches("style")) style.push(child);
    else if (found.length && child.matches("details") && !child.matches(".code")) found.at(-1).push(child);
    else if (found.length && found.at(-1).at(-1).matches("h1, h2, h3, h4")) found.at(-1).push(child);
    else found.push([child]);
  }
  if (found.length) found[0].unshift(...style);
  return found;
}

// An element like another, with only some of its children.
function shell(element, group, start) {
  const copy = element.cloneNode(false);
  if (element.matches("ol")) copy.start = start;
  if (element.matches("table")) {
    const head = element.querySelector("thead");
    if (head) copy.append(head.cloneNode(true));
    const rows = document.createElement("tbody");
    rows.append(...group);
    copy.append(rows);
  } else copy.append(...group);
  return copy;
}

// Parts one after another, on as many slides as they need.
function flow(all) {
  let taken = [];
  for (const group of all) {
    put([...taken, ...group]);
    const room = fits();
    if (room) { taken = [...taken, ...group]; drop(); continue; }
    drop();
    if (taken.length && !onlyHeadings(taken)) { finish(taken); taken = []; }
    put([...taken, ...group]);
    if (fits()) { drop(); taken = [...taken, ...group]; continue; }
    drop();
    taken = cut(taken, group);
  }
  if (taken.length) finish(taken);
}

// The last slide of some parts.
function finish(parts) {
  const inner = put(parts);
  if (fits()) enlarge(inner);
  else shrink(body);
}

const onlyHeadings = parts => parts.every(p => p.matches("h1, h2, h3, h4, style"));

// A group that is too large for a slide. Gives what is left for the next one.
function cut(before, group) {
  const last = group.at(-1);
  const parts = group.length === 1 || onlyHeadings(group.slice(0, -1)) ? pieces(last) : [];
  if (parts.length < 2) {
    finish([...before, ...group]);
    return [];
  }
  let lead = [...before, ...group.slice(0, -1)], held = [], number = 1, start = 1;
  for (const part of parts) {
    put([...lead, shell(last, copies([...held, ...part]), start)]);
    const room = fits();
    drop();
    if (!room && held.length) {
      put([...lead, shell(last, held, start)]);
      start = number; lead = []; held = [];
    }
    held.push(...part);
    number += 1;
  }
  put([...lead, shell(last, held, start)]);
  if (!fits()) shrink(body);
  return [];
}

const copies = parts => parts.map(p => p.cloneNode(true));

// Code and what it gives: together, or side by side, or one after the other.
function cell(article) {
  const find = name => article.querySelector(`:scope > .${name}`);
  const [code, outputs] = [find("code"), find("outputs")];
  if (!code && !outputs) return;
  if (code && !outputs && code.matches("details")) return;
  const lead = carried;
  carried = [];
  const inner = put([...lead, ...[code, outputs].filter(Boolean)]);
  for (const zoom of [1, 0.9, 0.8]) {
    inner.style.zoom = zoom;
    if (fits()) { enlarge(inner); return; }
  }
  inner.style.zoom = 1;
  if (code && outputs && !lead.length && beside(inner, code, outputs)) return;
  drop();
  if (code && outputs && !code.matches("details")) {
    put([...lead, code]);
    if (!fits()) shrink(body);
    flow(groups([outputs]));
  } else if (code && outputs) flow([[...lead, outputs, code]]);
  else flow(groups([...lead, code || outputs]));
}

function beside(inner, code, outputs) {
  inner.className = "columns";
  for (const share of [0.5, 0.58, 0.42]) {
    code.style.width = `${100 * share}%`;
    outputs.style.width = `${100 * (1 - share)}%`;
    if (fits() && !cutOff(code) && !cutOff(outputs)) return true;
  }
  inner.className = code.style.width = outputs.style.width = "";
  return false;
}

const cutOff = element =>
  [element, ...element.querySelectorAll("pre, table, .highlight")].some(
    e => e.scrollWidth > e.clientWidth + 1);

// A picture takes the room that is left.
function enlarge(inner) {
  const pictures = [...inner.querySelectorAll("img")];
  if (pictures.length !== 1 || Number(inner.style.zoom || 1) < 1) return;
  const picture = pictures[0], width = picture.clientWidth;
  for (let scale = 2.4; scale > 1; scale -= 0.1) {
    picture.style.width = `${Math.min(1168, width * scale)}px`;
    if (fits()) return;
  }
  picture.style.width = "";
}

function build() {
  for (const article of document.querySelectorAll("#cells > article")) {
    if (article.matches(".cell")) { cell(article); continue; }
    const parts = groups([...article.children]);
    if (parts.length && parts[0].length === 1 && joins(parts[0][0])) parts.shift();
    for (const group of split(parts)) {
      if (group[0][0].matches("h1, h2")) newColumn();
      if (carried.length) group[0].unshift(...carried);
      carried = [];
      if (group.every(onlyHeadings)) carried = group.flat();
      else flow(group);
    }
  }
  document.getElementById("cells").remove();
}

// The folded answer to a question stands with what answers it, if there is room.
function joins(answer) {
  if (!answer.matches("details") || !body || body.firstElementChild.matches(".columns")) return false;
  body.firstElementChild.append(answer);
  if (fits()) return true;
  answer.remove();
  return false;
}

// A new section begins a column, also in the middle of a cell.
function split(parts) {
  const found = [[]];
  for (const part of parts) {
    if (part.some(p => p.matches("h1, h2")) && found.at(-1).length) found.push([]);
    found.at(-1).push(part);
  }
  return found.filter(f => f.length);
}

// What is folded open may be larger than the slide.
function watchFolds() {
  document.addEventListener("toggle", event => {
    const opened = event.target.closest?.(".body");
    if (!opened) return;
    opened.firstElementChild.style.zoom = opened.dataset.zoom || 1;
    shrink(opened);
  }, true);
}

async function start() {
  await MathJax.startup.promise;
  await MathJax.typesetPromise([document.getElementById("cells")]);
  await document.fonts.ready;
  await Promise.all([...document.images].map(i => i.decode().catch(() => null)));
  document.documentElement.classList.add("building");
  build();
  document.querySelectorAll(".open").forEach(e => e.classList.remove("open"));
  document.documentElement.classList.remove("building");
  for (const each of document.querySelectorAll(".body")) {
    each.dataset.zoom = each.firstElementChild.style.zoom || 1;
  }
  watchFolds();
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true,
    transition: "none", slideNumber: "c/t", pdfMaxPagesPerSlide: 1,
  });
  document.body.dataset.ready = document.querySelectorAll(".body").length;
}
start();
