// The crosshair and the tips. Everything else on the page is there without a script.
"use strict";
(() => {
  const rows = JSON.parse(document.getElementById("series").textContent);
  const times = [0];
  for (const step of rows.steps) times.push(times[times.length - 1] + step);
  const span = times[times.length - 1] || 1;

  const tip = element("div", "tip", document.body);
  tip.hidden = true;
  tip.setAttribute("role", "status");

  function element(name, kind, parent) {
    const made = document.createElement(name);
    made.className = kind;
    return parent.appendChild(made);
  }

  function show(text, x, y) {
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const left = x + 16 + width > innerWidth ? x - 16 - width : x + 16;
    const top = Math.min(Math.max(y - height / 2, 8), innerHeight - height - 8);
    tip.style.transform = `translate(${Math.max(left, 8)}px, ${top}px)`;
  }

  // Pictures over time share one crosshair.
  const charts = [...document.querySelectorAll(".plot.time")].map((plot) => ({
    plot,
    line: element("i", "cross", plot),
    dots: plot.id === "equity" ? ["other", "own"].filter((k) => rows[k]).map((k) => [k, element("i", `dot ${k}`, plot)]) : [],
    scales: plot.dataset.plot ? JSON.parse(plot.dataset.plot) : {},
  }));
  let at = times.length - 1;

  function nearest(time) {
    let low = 0, high = times.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle; else high = middle;
    }
    return time - times[low] <= times[high] - time ? low : high;
  }

  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
  const exact = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const money = (v) => (v === null ? "n/a" : (Math.abs(v) >= 1000 ? whole : exact).format(v).replace("-", "\u2212"));
  const part = (v, sign = "") => (v === null ? "n/a" : `${v ? sign : ""}${(v / 100).toFixed(1)}%`);

  function words(row) {
    const moment = new Date(1000 * (rows.start + times[row] * rows.unit)).toISOString();
    const lines = [rows.unit === 86400 ? moment.slice(0, 10) : moment.slice(0, 19).replace("T", " ")];
    for (const key of ["own", "other"])
      if (rows[key]) lines.push(`${rows.names[key]} ${money(rows[key][row])} (${part(rows[key + "Fall"][row], "\u2212")} from peak)`);
    if (rows.exposure) lines.push(`Exposure ${part(rows.exposure[row])}`);
    return lines.join("\n");
  }

  function height(value, scale, log) {
    const [low, high] = scale;
    return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  }

  function cross(row) {
    at = row;
    const across = `${times.length > 1 ? (100 * times[row]) / span : 50}%`;
    const log = document.getElementById("scale-log")?.checked ?? false;
    for (const { line, dots, scales } of charts) {
      line.hidden = false;
      line.style.left = across;
      for (const [key, dot] of dots) {
        const value = rows[key][row];
        dot.hidden = value === null;
        dot.style.left = across;
        dot.style.top = `${100 - 100 * height(value, scales[log ? "log" : "linear"], log)}%`;
      }
    }
  }

  function uncross() {
    tip.hidden = true;
    for (const { line, dots } of charts) for (const each of [line, ...dots.map((d) => d[1])]) each.hidden = true;
  }
  uncross();

  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  for (const { plot } of charts) {
    plot.tabIndex = 0;
    const follow = (event) => {
      const box = plot.getBoundingClientRect();
      cross(nearest(((event.clientX - box.left) / box.width) * span));
      show(words(at), event.clientX, event.clientY);
    };
    plot.addEventListener("pointermove", follow);
    plot.addEventListener("pointerdown", follow);
    plot.addEventListener("pointerleave", uncross);
    plot.addEventListener("blur", uncross);
    plot.addEventListener("keydown", (event) => {
      if (event.key === "Escape") return uncross();
      const move = arrows[event.key]?.[0];
      if (!move) return;
      event.preventDefault();
      cross(Math.min(Math.max(at + move * (event.shiftKey ? 21 : 1), 0), times.length - 1));
      const box = plot.getBoundingClientRect();
      show(words(at), box.left + (box.width * times[at]) / span, box.top + box.height / 2);
    });
  }

  // Bars carry their own words.
  document.addEventListener("pointerover", (event) => {
    const text = event.target.closest?.("[data-tip]")?.dataset.tip;
    if (text) show(text, event.clientX, event.clientY);
  });
  document.addEventListener("pointerout", (event) => {
    if (event.target.closest?.("[data-tip]")) tip.hidden = true;
  });

  // The heat map knows its cells.
  const heat = document.getElementById("heat");
  if (heat) {
    const cells = JSON.parse(heat.dataset.plot);
    const [down, across] = [cells.down.length, cells.across.length];
    const frame = element("i", "at", heat);
    frame.hidden = true;
    let [row, column] = cells.best;
    const figure = (v) => (v === null ? "n/a" : cells.percent ? part(10000 * v) : String(v)).replace("-", "\u2212");
    const point = (r, c, x, y) => {
      [row, column] = [Math.min(Math.max(r, 0), down - 1), Math.min(Math.max(c, 0), across - 1)];
      const value = cells.values[row][column];
      Object.assign(frame.style, {
        left: `${(100 * column) / across}%`, top: `${(100 * (down - 1 - row)) / down}%`,
        width: `max(7px, ${100 / across}%)`, height: `max(7px, ${100 / down}%)`,
      });
      frame.hidden = false;
      const box = frame.getBoundingClientRect();
      show(
        `${cells.measure} ${figure(value)}\n` +
          `${cells.rows} ${cells.down[row]}\n${cells.columns} ${cells.across[column]}`,
        x ?? box.right, y ?? box.top,
      );
    };
    const follow = (event) => {
      const box = heat.getBoundingClientRect();
      const r = down - 1 - Math.floor(((event.clientY - box.top) / box.height) * down);
      point(r, Math.floor(((event.clientX - box.left) / box.width) * across), event.clientX, event.clientY);
    };
    const leave = () => { frame.hidden = tip.hidden = true; };
    heat.addEventListener("pointermove", follow);
    heat.addEventListener("pointerdown", follow);
    heat.addEventListener("pointerleave", leave);
    heat.addEventListener("blur", leave);
    heat.addEventListener("keydown", (event) => {
      const move = arrows[event.key];
      if (!move) return;
      event.preventDefault();
      point(row + move[1], column + move[0]);
    });
  }

  addEventListener("beforeprint", () => { for (const each of document.querySelectorAll("details")) each.open = true; });
})();
