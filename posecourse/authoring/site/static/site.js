// Words of the glossary say what they mean under the pointer or the focus;
// cards move while one looks at them. No request is made.
"use strict";

const still = matchMedia("(prefers-reduced-motion: reduce)");

function glossary() {
  const tip = document.createElement("div");
  tip.id = "meaning";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let word = null;
  let leaving = 0;

  function show(link) {
    clearTimeout(leaving);
    const meaning = GLOSSARY[link.hash.slice(1)];
    if (!meaning) return;
    word = link;
    word.setAttribute("aria-describedby", tip.id);
    tip.textContent = meaning;
    tip.hidden = false;
    place();
  }

  function place() {
    const at = word.getClientRects()[0];
    const space = document.documentElement.clientWidth - tip.offsetWidth - 12;
    const above = at.top - tip.offsetHeight - 6;
    tip.style.left = `${Math.max(12, Math.min(at.left, space))}px`;
    tip.style.top = `${above > 6 ? above : at.bottom + 6}px`;
  }

  function hide() {
    clearTimeout(leaving);
    tip.hidden = true;
    word?.removeAttribute("aria-describedby");
    word = null;
  }

  function leave() {
    leaving = setTimeout(hide, 150);
  }

  for (const span of document.querySelectorAll("a.reference .word")) {
    const link = span.closest("a");
    link.classList.add("word-link");
    link.addEventListener("mouseenter", () => show(link));
    link.addEventListener("focus", () => show(link));
    link.addEventListener("mouseleave", leave);
    link.addEventListener("blur", hide);
  }
  tip.addEventListener("mouseenter", () => clearTimeout(leaving));
  tip.addEventListener("mouseleave", leave);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
  addEventListener("scroll", () => { if (word) place(); }, { passive: true });
}

function cards() {
  for (const card of document.querySelectorAll(".card")) {
    const picture = card.querySelector("img[data-moving]");
    const at_rest = picture.getAttribute("src");
    const move = () => { if (!still.matches) picture.src = picture.dataset.moving; };
    const rest = () => { picture.src = at_rest; };
    card.addEventListener("mouseenter", move);
    card.addEventListener("focusin", move);
    card.addEventListener("mouseleave", rest);
    card.addEventListener("focusout", rest);
  }
}

// Who has asked the system for less motion sees the first frame.
function calm() {
  if (!still.matches) return;
  for (const picture of document.querySelectorAll('img[src$=".gif"], img[src*="_opening.webp"]')) {
    if (picture.closest("picture")) continue;
    const freeze = () => {
      const canvas = document.createElement("canvas");
      canvas.width = picture.naturalWidth;
      canvas.height = picture.naturalHeight;
      canvas.getContext("2d").drawImage(picture, 0, 0);
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", picture.alt);
      picture.replaceWith(canvas);
    };
    if (picture.complete) freeze();
    else picture.addEventListener("load", freeze, { once: true });
  }
}

// What is wider than the page can be scrolled, with the keyboard too.
function wide() {
  for (const box of document.querySelectorAll("pre, .table-wrapper, .math-wrapper, .output")) {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  }
}

glossary();
cards();
calm();
addEventListener("load", wide);
