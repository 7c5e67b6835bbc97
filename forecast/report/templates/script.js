"use strict";
(() => {
  const data = JSON.parse(document.getElementById("worlds").textContent);
  const form = document.getElementById("ask");
  const field = (name) => form.elements.namedItem(name);
  const said = document.getElementById("said");
  const shares = document.getElementById("after-scenarios");
  const moved = document.getElementById("after-events");
  const asked = data.events.map((event, v) => v).filter((v) => data.events[v].asked);

  // As the page's own numbers are written: what would round to none or all is less or more than one percent.
  const percent = (units) => {
    if (units === 0 || units === data.unit) return units ? "100\u202f%" : "0\u202f%";
    const whole = Math.round((100 * units) / data.unit);
    return (whole === 0 ? "<1" : whole === 100 ? ">99" : String(whole)) + "\u202f%";
  };

  const element = (tag, text, className) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  };

  const fill = (select, labels, values) => {
    select.replaceChildren(...labels.map((text, i) => {
      const option = element("option", text);
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

  const pair = (v, x, w, y) => (v < w ? data.pairs[`${v}.${w}`][x][y] : data.pairs[`${w}.${v}`][y][x]);

  const bar = (units, className) => {
    const made = element("span", undefined, `share ${className}`);
    made.style.setProperty("--share", `${(100 * units) / data.unit}%`);
    return made;
  };

  // What an intervention is held against has no reports on what is downstream of it, as it has none itself.
  const given = (how, v) => (how === "imposed" && data.before[String(v)]) || data.now;

  const head = (heading) => document.querySelectorAll("#asking .was-head").forEach((cell) => { cell.textContent = heading; });

  const showScenarios = (after, before) => {
    shares.replaceChildren(...data.scenarios.map((scenario, s) => {
      const row = element("tr", undefined, scenario.colour);
      row.dataset.scenario = scenario.id;
      const name = element("th", scenario.name);
      name.scope = "row";
      const bars = element("td", undefined, "bars");
      bars.setAttribute("aria-hidden", "true");
      bars.append(bar(before.scenarios[s], "was"), bar(after[s], "is"));
      const value = element("td", percent(after[s]), "n after");
      value.dataset.units = String(after[s]);
      row.append(name, element("td", percent(before.scenarios[s]), "n"), value, bars);
      return row;
    }));
  };

  // Of an event that is supposed, the state that it is supposed in is told; of the others the one that moves most,
  // if it moves by a point itself: small changes of several states are none together.
  const showEvents = (after, supposed, before) => {
    if (!after) {
      moved.replaceChildren();
      return;
    }
    const rows = data.events.map((event, v) => {
      const changes = event.states.map((_, x) => after[v][x] - before.events[v][x]);
      return { event, v, changes, size: Math.max(...changes.map(Math.abs)) };
    }).filter((row) => row.size >= data.unit / 100).sort((a, b) => b.size - a.size || a.v - b.v);
    moved.replaceChildren(...rows.map(({ event, v, changes }) => {
      const largest = changes.reduce((best, change, x) => (Math.abs(change) > Math.abs(changes[best]) ? x : best), 0);
      const most = supposed[v] ?? largest;
      const row = element("tr");
      const name = element("th", event.label);
      name.scope = "row";
      row.append(name, element("td", event.states[most]), element("td", percent(before.events[v][most]), "n"),
        element("td", percent(after[v][most]), "n"));
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
    if (second === "" || how === "imposed") {
      const world = table(how)[`${v}.${x}`];
      const before = given(how, v);
      const chance = how === "imposed" ? "" : ` (${percent(data.now.events[v][x])} now)`;
      said.textContent = `If ${event.label} ${verb} “${event.states[x]}”${chance}:`;
      head(before === data.now ? "Now" : "Before");
      showScenarios(world.scenarios, before);
      showEvents(world.events, { [v]: x }, before);
      return;
    }
    const w = Number(second);
    const y = chosen("second-state");
    const both = pair(v, x, w, y);
    const other = data.events[w];
    const supposed = `${event.label} turned out “${event.states[x]}” and ${other.label} “${other.states[y]}”`;
    if (both === null) {
      said.textContent = `If ${supposed}: that cannot be, given the evidence, so nothing follows from it.`;
      shares.replaceChildren();
      showEvents(null);
      return;
    }
    // The chance of both: of the first, times that of the second once the first is so.
    const chance = (data.now.events[v][x] * data.learned[`${v}.${x}`].events[w][y]) / data.unit;
    said.textContent = `If ${supposed} (${percent(chance)} now):`;
    const events = v < w ? data.pair_events[`${v}.${w}`]?.[x][y] : data.pair_events[`${w}.${v}`]?.[y][x];
    if (!events) said.textContent += " only the scenarios are computed for these two.";
    head("Now");
    showScenarios(both, data.now);
    showEvents(events, { [v]: x, [w]: y }, data.now);
  };

  const fillSecond = () => {
    const others = asked.filter((v) => v !== chosen("event"));
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
