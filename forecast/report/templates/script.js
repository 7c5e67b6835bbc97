"use strict";
(() => {
  const data = JSON.parse(document.getElementById("worlds").textContent);
  const form = document.getElementById("ask");
  const field = (name) => form.elements.namedItem(name);
  const said = document.getElementById("said");
  const shares = document.getElementById("after-scenarios");
  const moved = document.getElementById("after-events");
  const asked = data.events.map((event, v) => v).filter((v) => data.events[v].asked);

  // As the page's own numbers are written: in whole percents, or the steps that the Monte Carlo error carries. What would
  // round to none or all is less or more than one step.
  const whole = data.unit / 100;
  const percent = (units, step = whole) => {
    if (units === 0 || units === data.unit) return units ? "100\u202f%" : "0\u202f%";
    const near = Math.round(units / step) * step;
    const shown = near === 0 ? step : near === data.unit ? data.unit - step : near;
    return `${near === 0 ? "<" : near === data.unit ? ">" : ""}${shown / whole}\u202f%`;
  };

  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  // A name from the files is isolated: letters that run from right to left do not reorder what stands beside them.
  const named = (tag, text) => {
    const made = element(tag);
    made.append(element("bdi", text));
    return made;
  };

  // A sentence of texts and names in turn.
  const say = (...parts) => said.replaceChildren(...parts.map((part, i) => (i % 2 ? element("bdi", part) : part)));

  const fill = (select, labels, values) => {
    select.replaceChildren(...labels.map((text, i) => {
      const option = element("option", text);
      option.dir = "auto";
      option.value = String(values[i]);
      return option;
    }));
  };

  const table = (how) => (how === "imposed" ? data.imposed : data.learned);

  // States that cannot be any more are left out: the engine gave no answer for them.
  const possible = (v, how) => data.events[v].states.map((_, x) => x).filter((x) => table(how)[`${v}.${x}`]);

  const chosen = (name) => Number(field(name).value);

  const fillStates = (name, v, how) => {
    const states = possible(v, how);
    const before = field(name).value;
    fill(field(name), states.map((x) => data.events[v].states[x]), states);
    if (states.includes(Number(before)) && before !== "") field(name).value = before;
  };

  const stepOf = (v, x, w, y) => (v < w ? data.pair_steps[`${v}.${w}`][x][y] : data.pair_steps[`${w}.${v}`][y][x]);
  const pair = (v, x, w, y) => (v < w ? data.pairs[`${v}.${w}`][x][y] : data.pairs[`${w}.${v}`][y][x]);

  // Every event given two others: each number is two signs, and the last state of an event what the others leave.
  const cards = data.events.map((event) => event.states.length);
  const inOnePair = cards.reduce((sum, card) => sum + card - 1, 0);
  const pairedText = (v, w) => data.pair_events[v < w ? `${v}.${w}` : `${w}.${v}`];
  const pairEvents = (v, x, w, y) => {
    const text = pairedText(v, w);
    let at = 2 * inOnePair * (v < w ? x * cards[w] + y : y * cards[v] + x);
    const next = () => {
      const [high, low] = [text[at], text[at + 1]].map((sign) => data.pair_signs.indexOf(sign));
      at += 2;
      return data.pair_step * (high * data.pair_signs.length + low);
    };
    return cards.map((card) => {
      const states = Array.from({ length: card - 1 }, next);
      return [...states, data.unit - states.reduce((sum, units) => sum + units, 0)];
    });
  };

  const bar = (units, className) => {
    const made = element("span", undefined, `share ${className}`);
    made.style.setProperty("--share", `${(100 * units) / data.unit}%`);
    return made;
  };

  // What an intervention is held against has no reports on what is downstream of it, as it has none itself.
  const given = (how, v) => (how === "imposed" && data.before[String(v)]) || data.now;

  const head = (heading) => document.querySelectorAll("#asking .was-head").forEach((cell) => { cell.textContent = heading; });

  const showScenarios = (after, before, step) => {
    shares.replaceChildren(...data.scenarios.map((scenario, s) => {
      const row = element("tr", undefined, scenario.colour);
      row.dataset.scenario = scenario.id;
      const name = named("th", scenario.name);
      name.scope = "row";
      const bars = element("td", undefined, "bars");
      bars.setAttribute("aria-hidden", "true");
      bars.append(bar(before.scenarios[s], "was"), bar(after[s], "is"));
      const value = element("td", percent(after[s], step), "n after");
      value.dataset.units = String(after[s]);
      row.append(name, element("td", percent(before.scenarios[s]), "n"), value, bars);
      return row;
    }));
  };

  // Of an event that is supposed, the state that it is supposed in is told; of the others the one that moves most,
  // if it moves by a point itself: small changes of several states are none together.
  const showEvents = (after, supposed, before, step = whole) => {
    const rows = data.events.map((event, v) => {
      const changes = event.states.map((_, x) => after[v][x] - before.events[v][x]);
      return { event, v, changes, size: Math.max(...changes.map(Math.abs)) };
    }).filter((row) => row.size >= step).sort((a, b) => b.size - a.size || a.v - b.v);
    moved.replaceChildren(...rows.map(({ event, v, changes }) => {
      const largest = changes.reduce((best, change, x) => (Math.abs(change) > Math.abs(changes[best]) ? x : best), 0);
      const most = supposed[v] ?? largest;
      const row = element("tr");
      const name = named("th", event.label);
      name.scope = "row";
      row.append(name, named("td", event.states[most]), element("td", percent(before.events[v][most]), "n"),
        element("td", percent(after[v][most], step), "n"));
      return row;
    }));
  };

  const answer = () => {
    const v = chosen("event");
    const x = chosen("state");
    const how = field("how").value;
    const event = data.events[v];
    const second = field("second").value;
    const verb = how === "imposed" ? "were put at" : "turned out";
    document.getElementById("second-fields").disabled = how === "imposed";
    document.getElementById("after").hidden = false;
    if (second === "" || how === "imposed") {
      const world = table(how)[`${v}.${x}`];
      const before = given(how, v);
      const chance = how === "imposed" ? "" : ` (the probability of that at the horizon: ${percent(data.now.events[v][x])})`;
      say("If ", event.label, ` ${verb} “`, event.states[x], `”${chance}:`);
      head(before === data.now ? "Now" : "Before");
      showScenarios(world.scenarios, before);
      showEvents(world.events, { [v]: x }, before);
      return;
    }
    const w = Number(second);
    const y = chosen("second-state");
    const both = pair(v, x, w, y);
    const other = data.events[w];
    const supposed = ["If ", event.label, " turned out “", event.states[x], "” and ", other.label, " “", other.states[y]];
    if (both === null) {
      say(...supposed, "”: these two cannot both be, given the evidence and the rules of the events, so nothing follows.");
      document.getElementById("after").hidden = true;
      return;
    }
    // The probability of both: of the first, times that of the second once the first is so.
    const chance = (data.now.events[v][x] * data.learned[`${v}.${x}`].events[w][y]) / data.unit;
    say(...supposed, `” (the probability of both: ${percent(chance)}):`);
    head("Now");
    const step = stepOf(v, x, w, y);
    showScenarios(both, data.now, step);
    showEvents(pairEvents(v, x, w, y), { [v]: x, [w]: y }, data.now, step);
  };

  const fillSecond = () => {
    const others = asked.filter((v) => v !== chosen("event") && pairedText(v, chosen("event")) !== undefined);
    const before = field("second").value;
    fill(field("second"), ["nothing else", ...others.map((v) => data.events[v].label)], ["", ...others]);
    if (others.includes(Number(before)) && before !== "") field("second").value = before;
    fillSecondStates();
  };

  const fillSecondStates = () => {
    const second = field("second").value;
    field("second-state").hidden = second === "";
    if (second !== "") fillStates("second-state", Number(second), "learned");
  };

  // The arrows of the node of the network that is pointed at stand out, and those it leads to or from.
  const network = document.querySelector("svg.network");
  const trace = (event) => {
    const node = event.target.closest("[data-node]")?.dataset.node;
    network.classList.toggle("traced", node !== undefined);
    const ends = new Set([node]);
    network.querySelectorAll("[data-from]").forEach((edge) => {
      const on = edge.dataset.from === node || edge.dataset.to === node;
      edge.classList.toggle("on", on);
      if (on) ends.add(edge.dataset.from).add(edge.dataset.to);
    });
    network.querySelectorAll("[data-node]").forEach((one) => one.classList.toggle("on", ends.has(one.dataset.node)));
  };
  network?.addEventListener("pointerover", trace);
  network?.addEventListener("pointerleave", trace);

  // A table or a drawing that is cut off says so.
  const sizes = new ResizeObserver((seen) => seen.forEach(({ target }) => {
    target.classList.toggle("more", target.scrollWidth > target.clientWidth + 1);
  }));
  document.querySelectorAll(".scroll").forEach((one) => sizes.observe(one));

  // What is folded opens in print, and where a link leads to it.
  let closed = [];
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
  });
  window.addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
  const unfold = () => {
    const folded = document.getElementById(location.hash.slice(1))?.closest("details");
    if (folded) folded.open = true;
  };
  window.addEventListener("hashchange", unfold);
  unfold();

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", (event) => {
    if (event.target.name === "event") fillSecond();
    if (event.target.name === "event" || event.target.name === "how") fillStates("state", chosen("event"), field("how").value);
    if (event.target.name === "second") fillSecondStates();
    answer();
  });
  fill(field("event"), asked.map((v) => data.events[v].label), asked);
  field("event").value = String(data.begin[0]);
  fillStates("state", data.begin[0], "learned");
  field("state").value = String(data.begin[1]);
  fillSecond();
  answer();
  document.getElementById("asking").hidden = false;
})();
