"use strict";

// Tables: columns of numbers stand at the right. A click on a heading sorts by its column, and once more the other way round. What has no value stays at the end.
const isMissing = (text) => /^(|undefined.*|no .*|not (?!held).*|none)$/.test(text);
const numberIn = (text) => {
  const found = /^(?:p [<=] )?([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])/.exec(text);
  return found ? Number(found[1]) : NaN;
};

const isNumeric = (texts) => texts.every((text) => isMissing(text) || !Number.isNaN(numberIn(text)));

function sort(table, headings, column) {
  const down = headings[column].getAttribute("aria-sort") === "ascending";
  headings.forEach((heading) => heading.removeAttribute("aria-sort"));
  headings[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.cells[column].textContent.trim() }));
  const numeric = isNumeric(rows.map(({ text }) => text));
  const compare = (a, b) => (numeric ? numberIn(a.text) - numberIn(b.text) : a.text.localeCompare(b.text, "en"));
  const [missing, known] = [true, false].map((side) => rows.filter(({ text }) => isMissing(text) === side));
  known.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  table.tBodies[0].append(...known.concat(missing).map(({ row }) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const cells = [...table.tBodies[0].rows].map((row) => row.cells[column]);
    if (isNumeric(cells.map((cell) => cell.textContent.trim()))) [heading, ...cells].forEach((cell) => cell.classList.add("number"));
    if (heading.textContent.trim() === "") return;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sort(table, headings, column));
  });
}

// Points: the values of the architecture's row, and its drawing, beside the pointer or the focus.
const popup = document.getElementById("popup");
let shown = null;

function hide() {
  popup.hidden = true;
  shown?.classList.remove("shown");
  shown = null;
}

function drawing(id) {
  const { width, height } = document.getElementById(id).viewBox.baseVal;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

function show(element, row, withValues) {
  if (shown !== element) {
    hide();
    shown = element;
    element.classList.add("shown");
    const values = document.createElement("dl");
    const headings = [...row.closest("table").tHead.rows[0].cells];
    for (const [column, heading] of withValues ? headings.entries() : []) {
      const [name, value] = ["dt", "dd"].map((tag) => values.appendChild(document.createElement(tag)));
      name.textContent = heading.textContent;
      value.textContent = row.cells[column].textContent;
    }
    popup.replaceChildren(...(withValues ? [values] : []), drawing(row.dataset.drawing));
    popup.hidden = false;
  }
  place();
}

function place() {
  if (!shown) return;
  const at = shown.getBoundingClientRect();
  popup.classList.toggle("above", at.top > window.innerHeight / 2);
  const { width, height } = popup.getBoundingClientRect();
  const right = at.right + 12;
  const left = right + width <= window.innerWidth ? right : Math.max(0, at.left - 12 - width);
  popup.style.left = `${left}px`;
  popup.style.top = `${Math.max(4, Math.min(at.top - height / 2, window.innerHeight - height - 4))}px`;
}

const rowOf = (point) => document.getElementById(point.getAttribute("href").slice(1));

for (const plot of document.querySelectorAll(".plot:has(.points)")) {
  const points = [...plot.querySelectorAll(".points a")];
  points.forEach((point, index) => {
    point.setAttribute("tabindex", index === 0 ? "0" : "-1");
    point.addEventListener("focus", () => show(point, rowOf(point), true));
    point.addEventListener("blur", hide);
    point.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const next = points[index + step];
      if (!next) return;
      event.preventDefault();
      next.focus();
    });
    // A key opens the row of the table; a finger or a mouse stays with the point.
    point.addEventListener("click", (event) => {
      if (event.detail === 0) rowOf(point).closest("details").open = true;
      else event.preventDefault();
    });
  });
  // The nearest point counts, so that a finger need not hit it.
  const nearest = (event) => {
    const distance = (point) => {
      const { left, top, width, height } = point.getBoundingClientRect();
      return Math.hypot(left + width / 2 - event.clientX, top + height / 2 - event.clientY);
    };
    const [best, point] = points.map((point) => [distance(point), point]).reduce((a, b) => (b[0] < a[0] ? b : a));
    if (best < 24) show(point, rowOf(point), true);
    else hide();
  };
  plot.addEventListener("pointermove", nearest);
  plot.addEventListener("click", nearest);
  plot.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && hide());
}

for (const button of document.querySelectorAll("button.drawn")) {
  for (const kind of ["pointerenter", "focus", "click"]) button.addEventListener(kind, () => show(button, button.closest("tr"), false));
  for (const kind of ["pointerleave", "blur"]) button.addEventListener(kind, hide);
}

document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
document.addEventListener("scroll", place, { passive: true, capture: true });
