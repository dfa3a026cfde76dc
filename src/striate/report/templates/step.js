"use strict";
(() => {
  const { frames, weights } = JSON.parse(document.getElementById("data").textContent);
  const find = (id) => document.getElementById(id);
  const slide = find("slide");
  const play = find("play");
  const said = find("said");
  const squares = (role) => [...document.querySelectorAll(`#maps g.${role}[data-at]`)];
  const grids = [...document.querySelectorAll("#maps svg")].map((svg) => ({
    cells: new Map([...svg.querySelectorAll("g[data-at]")].map((g) => [g.dataset.at, g])),
    frame: svg.querySelector("rect.frame"),
    output: svg.dataset.role === "output",
  }));
  const places = new Map(frames.map((frame, i) => [frame.at, i]));
  let at = 0;
  let timer = 0;

  // The frame goes around the first and the last square that are marked.
  const enclose = (frame, marked) => {
    if (!frame || !marked.length) return;
    const boxes = marked.map((cell) => cell.firstElementChild);
    const number = (box, name) => Number(box.getAttribute(name));
    const inset = (30 - number(boxes[0], "height")) / 2;
    const end = boxes[boxes.length - 1];
    const rest = (30 - number(end, "height")) / 2;
    const x = number(boxes[0], "x") - inset;
    const y = number(boxes[0], "y") - inset;
    frame.setAttribute("x", x);
    frame.setAttribute("y", y);
    frame.setAttribute("width", number(end, "x") + number(end, "width") + rest - x);
    frame.setAttribute("height", number(end, "y") + number(end, "height") + rest - y);
  };
  // Of a map that is wider than the screen, the part with the frame is scrolled to.
  const follow = (frame) => {
    const map = frame && frame.closest(".map");
    if (!map) return;
    const wide = map.scrollWidth > map.clientWidth;
    map.classList.toggle("wide", wide);
    if (!wide) return;
    const middle = Number(frame.getAttribute("x")) + Number(frame.getAttribute("width")) / 2;
    map.scrollLeft = middle - map.clientWidth / 2;
  };
  const mark = ({ cells, frame, output }, step) => {
    const hits = output ? [step.at] : step.rows.flatMap((r) => step.columns.map((c) => `${r},${c}`));
    for (const cell of cells.values()) cell.classList.remove("hit");
    const marked = hits.map((hit) => cells.get(hit)).filter(Boolean);
    for (const cell of marked) cell.classList.add("hit");
    enclose(frame, marked);
    follow(frame);
    if (!output) return;
    for (const [place, cell] of cells) {
      const order = places.get(place);
      cell.classList.toggle("later", order !== undefined && order > at);
      cell.classList.toggle("off", order === undefined);
    }
  };

  const table = (rows, look) => {
    const grid = document.createElement("table");
    rows.forEach((row, i) => {
      const line = grid.insertRow();
      row.forEach((text, j) => {
        const cell = line.insertCell();
        cell.textContent = text;
        cell.className = look(i, j);
      });
    });
    return grid;
  };
  const sign = (text) => {
    const span = document.createElement("span");
    span.textContent = text;
    return span;
  };
  const shown = (term, number) => {
    const figure = document.createElement("figure");
    const line = document.createElement("div");
    figure.className = "term";
    line.className = "row";
    if (term.name) {
      const caption = document.createElement("figcaption");
      caption.textContent = term.name;
      figure.append(caption);
    }
    const none = (i, j) => (term.real[i][j] ? "" : "none");
    const won = term.winner;
    line.append(table(term.values, (i, j) =>
      `${none(i, j)} ${won && won[0] === i && won[1] === j ? "won" : "hit"}`));
    const factors = term.weights || (weights && weights[number]);
    if (factors) line.append(sign("×"), table(factors, () => ""));
    if (term.products) line.append(sign("="), table(term.products, none));
    figure.append(line);
    return figure;
  };

  const show = (wanted) => {
    at = Math.min(Math.max(wanted, 0), frames.length - 1);
    const step = frames[at];
    for (const grid of grids) mark(grid, step);
    find("terms").replaceChildren(...step.terms.map(shown));
    find("left").textContent = step.left;
    find("formula").textContent = step.formula;
    find("number").textContent = at + 1;
    said.textContent = step.said;
    slide.value = at + 1;
    slide.setAttribute("aria-valuetext", step.said);
    find("first").disabled = find("back").disabled = at === 0;
    find("last").disabled = find("on").disabled = at === frames.length - 1;
  };

  // While it plays, what is said would pile up: it is read aloud where one stops.
  const pause = () => {
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
    said.setAttribute("aria-live", "polite");
  };
  const start = () => {
    if (at === frames.length - 1) show(0);
    said.setAttribute("aria-live", "off");
    play.setAttribute("aria-pressed", "true");
    timer = setInterval(() => (at < frames.length - 1 ? show(at + 1) : pause()), 900);
  };
  const go = (wanted) => {
    pause();
    show(wanted);
  };
  // Up and down: the same column of the nearest row that is stepped over.
  const row = (by) => {
    const [r, c] = frames[at].at.split(",").map(Number);
    const wanted = places.get(`${r + by},${c}`);
    go(wanted === undefined ? at : wanted);
  };

  const keys = {
    ArrowRight: () => go(at + 1),
    ArrowLeft: () => go(at - 1),
    ArrowDown: () => row(1),
    ArrowUp: () => row(-1),
    Home: () => go(0),
    End: () => go(frames.length - 1),
    " ": () => (timer ? pause() : start()),
  };
  addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (!act || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key === " " && event.target.closest("button")) return; // it presses the button
    event.preventDefault();
    act();
  });
  find("first").addEventListener("click", () => go(0));
  find("back").addEventListener("click", () => go(at - 1));
  play.addEventListener("click", () => (timer ? pause() : start()));
  find("on").addEventListener("click", () => go(at + 1));
  find("last").addEventListener("click", () => go(frames.length - 1));
  slide.addEventListener("input", () => go(slide.value - 1));
  for (const cell of squares("output")) {
    const order = places.get(cell.dataset.at);
    if (order !== undefined) cell.addEventListener("click", () => go(order));
  }

  // A finger that is drawn sideways over the maps steps on or back.
  let from = null;
  const maps = find("maps");
  maps.addEventListener("pointerdown", (event) => {
    from = event.pointerType === "touch" ? event : null;
  });
  maps.addEventListener("pointerup", (event) => {
    const across = from ? event.clientX - from.clientX : 0;
    if (Math.abs(across) > 40) go(at + (across < 0 ? 1 : -1));
    from = null;
  });
  maps.addEventListener("pointercancel", () => { from = null; });

  show(0);
})();
