"use strict";
(() => {
  // Contents: mark the section that is being read.
  const anchors = [...document.querySelectorAll(".contents a")];
  const links = new Map(anchors.map((a) => [a.hash.slice(1), a]));
  const seen = new Set();
  const mark = () => {
    const current = [...links.keys()].find((id) => seen.has(id));
    for (const [id, link] of links) {
      if (id === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) seen.add(entry.target.id);
      else seen.delete(entry.target.id);
    }
    mark();
  }, { rootMargin: "-15% 0px -60% 0px" });
  for (const id of links.keys()) watch.observe(document.getElementById(id));

  // Paper has nothing to click on: what is folded is open while it is printed.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });

  const numbers = (text) => text.split(" ").map((part) => (part === "-" ? NaN : +part));
  const shown = (value, kind) => {
    if (kind === "percent") return `${(100 * value).toFixed(2)}\u202f%`;
    const small = value !== 0 && Math.abs(value) < 1e-3;
    return small ? value.toExponential(2) : String(+value.toPrecision(4));
  };
  const row = (name, value, look = "") => {
    const line = document.createElement("div");
    const left = document.createElement("span");
    const right = document.createElement("b");
    left.textContent = name;
    left.className = look;
    right.textContent = value;
    line.append(left, right);
    return line;
  };
  const place = (box, readout, event) => {
    const frame = box.getBoundingClientRect();
    readout.hidden = false;
    const x = event.clientX - frame.left;
    const width = readout.offsetWidth;
    const left = x + 16 + width <= frame.width ? x + 16 : x - 16 - width;
    const top = event.clientY - frame.top - readout.offsetHeight / 2;
    readout.style.left = `${Math.max(0, Math.min(left, frame.width - width))}px`;
    readout.style.top = `${Math.max(0, top)}px`;
  };
  const pointed = (part, event) =>
    new DOMPoint(event.clientX, event.clientY).matrixTransform(part.getScreenCTM().inverse());

  // `rows(event)` gives what to say at the pointer, or nothing; without an event it tidies up.
  const withReadout = (svg, rows) => {
    const box = document.createElement("div");
    const readout = document.createElement("div");
    box.className = "chart-box";
    readout.className = "readout";
    readout.hidden = true;
    readout.setAttribute("aria-hidden", "true");
    svg.replaceWith(box);
    box.append(svg, readout);
    const hide = () => {
      rows(null);
      readout.hidden = true;
    };
    const move = (event) => {
      const said = rows(event);
      if (!said) return hide();
      readout.replaceChildren(...said);
      return place(box, readout, event);
    };
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerdown", move);
    svg.addEventListener("pointerleave", hide);
  };
  const nearest = (values, x) => values.reduce(
    (best, value, i) => (Math.abs(value - x) < Math.abs(values[best] - x) ? i : best), 0);

  // Charts: a line under the pointer, and the values where it crosses the lines.
  for (const svg of document.querySelectorAll("svg.chart[data-domain]")) {
    const [left, top, right, bottom] = numbers(svg.dataset.frame);
    const [x0, x1, y0, y1] = numbers(svg.dataset.domain);
    const lines = [...svg.querySelectorAll("path[data-xs]")].map((path) => ({
      name: path.dataset.name,
      xs: numbers(path.dataset.xs),
      ys: numbers(path.dataset.ys),
      look: path.getAttribute("class").match(/look-\d+/)[0],
    }));
    const cursor = document.createElementNS(svg.namespaceURI, "path");
    cursor.setAttribute("class", "cursor");
    svg.append(cursor);
    withReadout(svg, (event) => {
      cursor.removeAttribute("d");
      if (!event) return null;
      const at = pointed(svg, event);
      if (at.x < left - 4 || at.x > right + 4 || at.y < top - 8 || at.y > bottom + 8) return null;
      const x = x0 + (at.x - left) / (right - left) * (x1 - x0);
      const y = y1 - (at.y - top) / (bottom - top) * (y1 - y0);
      const near = lines
        .map((line) => ({ line, k: nearest(line.xs, x) }))
        .map(({ line, k }) => ({ ...line, x: line.xs[k], y: line.ys[k] }))
        .filter((point) => Number.isFinite(point.y))
        .sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))
        .slice(0, 6)
        .sort((a, b) => b.y - a.y);
      if (!near.length) return null;
      const middle = left + (near[0].x - x0) / (x1 - x0) * (right - left);
      cursor.setAttribute("d", `M${middle} ${top}V${bottom}`);
      const head = row(svg.dataset.x, String(+near[0].x.toPrecision(5)));
      return [head, ...near.map((p) => row(p.name, shown(p.y, svg.dataset.kind), p.look))];
    });
  }

  // A large confusion matrix: the two classes and the count under the pointer.
  for (const svg of document.querySelectorAll("svg.matrix")) {
    const cells = svg.querySelector(".cells");
    const names = JSON.parse(cells.dataset.names);
    const counts = new Map(cells.dataset.cells.split(" ").map((cell) => {
      const [i, j, count] = cell.split(",");
      return [`${i},${j}`, count];
    }));
    withReadout(svg, (event) => {
      if (!event) return null;
      const at = pointed(cells, event);
      const i = Math.floor(at.y);
      const j = Math.floor(at.x);
      if (!(i in names) || !(j in names)) return null;
      const count = counts.get(`${i},${j}`) || "0";
      return [row("true", names[i]), row("predicted", names[j]), row("images", count)];
    });
  }
})();
