"use strict";
// The list of people: read from the blocks of the page, filtered, sorted, and shown a page at a time.
(() => {
const CONDITIONS = ["Overdue", "Not as asked", "In no register", "Opted out", "Released"];
const [OVERDUE, DRIFTED, UNLISTED, , RELEASED] = CONDITIONS.keys();
const STATUSES = new Map([["OPTED_OUT", "Opted out"], ["ENROLLED", "Enrolled"], ["EXPIRED", "Expired"], ["PENDING", "Pending"], ["", "Absent"]]);
const said = (status) => STATUSES.get(status) ?? status;
const MOST_PRINTED = 5000;
const DAY = 86400;
const at = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en");
const people = (count) => `${number(count)} ${count === 1 ? "person" : "people"}`;

// Texts that many rows share are kept once; a column of them holds their numbers.
class Shared {
  values = []; at = []; #known = new Map();
  add(block) {
    const mine = block.values.map((value) => {
      if (!this.#known.has(value)) { this.#known.set(value, this.values.length); this.values.push(value); }
      return this.#known.get(value);
    });
    for (const one of block.at) this.at.push(mine[one]);
  }
  of(row) { return this.values[this.at[row]]; }
  // Numbers in the order of the texts; what is missing stays missing.
  keys() {
    const sorted = [...this.values.keys()].filter((one) => this.values[one] !== "");
    sorted.sort((a, b) => this.values[a] < this.values[b] ? -1 : 1);
    const rank = new Float64Array(this.values.length).fill(NaN);
    sorted.forEach((one, place) => { rank[one] = place; });
    return this.at.map((one) => rank[one]);
  }
}
const shared = {domain: new Shared(), file: new Shared(), status: new Shared(), commit: new Shared()};
const plain = {label: [], id: [], condition: [], review: [], late: [], line: [], ticket: [], requested: [], listed: [], applied: [], days: [], verified: []};
let searched = [];
let total = 0;

const days = new Map();
function day(value) {
  let text = days.get(value);
  if (text === undefined) days.set(value, text = new Date(value * DAY * 1000).toISOString().slice(0, 10));
  return text;
}
const dayOf = (seconds) => day(Math.floor(seconds / DAY));
const timeOf = (seconds) => `${new Date(seconds * 1000).toISOString().slice(11, 16)} UTC`;
const place = (row) => plain.line[row] === null ? shared.file.of(row) : `${shared.file.of(row)}:${plain.line[row]}`;

function read(text) {
  const block = JSON.parse(text);
  for (const name in shared) shared[name].add(block[name]);
  for (const name in plain) for (const value of block[name] ?? []) plain[name].push(value);
  for (; total < plain.label.length; total++) {
    const row = total;
    const dates = [plain.listed[row], plain.applied[row]].map((value) => value === null ? "" : dayOf(value));
    if (plain.requested[row] !== null) dates.push(day(plain.requested[row]));
    searched.push([plain.label[row], plain.id[row] ?? "", shared.domain.of(row), place(row), plain.ticket[row],
      shared.commit.of(row), CONDITIONS[plain.condition[row]], said(shared.status.of(row)), ...dates,
    ].join("\n").toLowerCase());
  }
}

const KEYS = {
  condition: () => plain.condition,
  person: () => {
    if (!plain.id.length) return plain.label.map((_, row) => row);  // the rows come in the order of domain and label
    const ids = new Shared();
    ids.add({values: plain.id, at: plain.id.keys()});
    return ids.keys();
  },
  requested: () => plain.requested,
  listed: () => plain.listed,
  applied: () => plain.applied,
  days: () => plain.days,
  status: () => shared.status.keys(),
  place: () => {
    const lines = plain.line.reduce((most, line) => Math.max(most, line), 0) + 1;
    return shared.file.keys().map((file, row) => file * lines + plain.line[row]);
  },
};
const orders = new Map();
// Rows in the order of a column. Rows without a value come last either way, and equal ones stay as they were.
// Loops and not functions given to sort and map: these take ten times as long.
function order(key, turn) {
  const name = `${key} ${turn}`;
  if (!orders.has(name)) {
    const keys = KEYS[key]();
    const packed = new Float64Array(total);
    const without = [];
    let least = Infinity, most = -Infinity, count = 0;
    for (let row = 0; row < total; row++) {
      const value = keys[row] ?? NaN;
      if (Number.isNaN(value)) { without.push(row); continue; }
      packed[count++] = row;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    const valued = packed.subarray(0, count);
    // Key and row in one number, which the browser sorts by itself.
    if ((most - least + 1) * total <= Number.MAX_SAFE_INTEGER) {
      for (let at = 0; at < count; at++) valued[at] += (turn > 0 ? keys[valued[at]] - least : most - keys[valued[at]]) * total;
      valued.sort();
      for (let at = 0; at < count; at++) valued[at] %= total;
    } else valued.sort((a, b) => turn * (keys[a] - keys[b]) || a - b);
    const rows = Uint32Array.from(packed);
    rows.set(without, count);
    orders.set(name, rows);
  }
  return orders.get(name);
}

const SHOWN = {
  all: () => true,
  attention: (row) => plain.condition[row] <= UNLISTED,
  overdue: (row) => plain.condition[row] === OVERDUE,
  drifted: (row) => plain.condition[row] <= DRIFTED,
  unlisted: (row) => plain.condition[row] === UNLISTED,
  asked: (row) => plain.condition[row] > UNLISTED,
  released: (row) => plain.condition[row] === RELEASED,
  review: (row) => plain.late[row] === 1,
};
let sorted = {key: "condition", turn: 1};
let found = [];
let first = 0;

function find() {
  const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const shows = SHOWN[at("show").value];
  const [domain, status] = [at("domain").value, at("status").value];
  found = [];
  for (const row of order(sorted.key, sorted.turn)) {
    if (domain && shared.domain.at[row] !== +domain - 1) continue;
    if (status && shared.status.at[row] !== +status - 1) continue;
    if (shows(row) && words.every((word) => searched[row].includes(word))) found.push(row);
  }
  first = 0;
  show();
}

function fill(cell, main, more) {
  const [first, second] = cell.children;
  first.textContent = main || "\u2013";
  if (!main) first.className = "none";
  if (more) second.textContent = more;
  else second.remove();
  if (!main && !more) cell.classList.add("empty");
}
function line(row) {
  const made = at("line").content.firstElementChild.cloneNode(true);
  const [condition, person, requested, listed, applied, waited, status, register] = made.children;
  const review = plain.review[row] === null ? "" : `review ${plain.late[row] ? "due" : "on"} ${day(plain.review[row])}`;
  fill(condition, CONDITIONS[plain.condition[row]], review);
  condition.className = ["loss", "warn", "warn", "good", "rest"][plain.condition[row]];
  const names = [plain.id[row], plain.label[row], shared.domain.values.length > 1 && shared.domain.of(row)].filter(Boolean);
  fill(person, names[0], names.slice(1).join("\n"));
  fill(requested, plain.requested[row] === null ? "" : day(plain.requested[row]), plain.ticket[row]);
  for (const [cell, time] of [[listed, plain.listed[row]], [applied, plain.applied[row]]]) {
    if (time === null) fill(cell);
    else fill(cell, dayOf(time), timeOf(time));
  }
  fill(waited, plain.days[row] === null ? "" : number(plain.days[row]));
  fill(status, said(shared.status.of(row)), `read ${dayOf(plain.verified[row])}`);
  const commit = shared.commit.of(row);
  fill(register, place(row), commit && `commit ${commit.slice(0, 12)}`);
  return made;
}
function show(all) {
  const size = all ? Math.min(found.length, MOST_PRINTED) : +at("size").value;
  const start = all ? 0 : first;
  const end = Math.min(start + size, found.length);
  const lines = document.createDocumentFragment();
  for (let index = start; index < end; index++) lines.append(line(found[index]));
  at("rows").replaceChildren(lines);
  const matching = found.length === total ? people(total) : `${number(found.length)} of ${people(total)}`;
  const part = end - start < found.length ? `, rows ${number(start + 1)} to ${number(end)}` : "";
  at("count").textContent = found.length ? `${matching}${part}` : "Nobody matches. “Clear” shows everybody again.";
  at("list").hidden = !found.length;
  const pages = Math.max(1, Math.ceil(found.length / size));
  const page = Math.floor(start / size) + 1;
  at("page").textContent = `Page ${number(page)} of ${number(pages)}`;
  at("pages").hidden = found.length <= 25;
  for (const [id, off] of [["first", page === 1], ["back", page === 1], ["next", page === pages], ["last", page === pages]]) {
    at(id).setAttribute("aria-disabled", off);  // not disabled: the focus stays where it is
  }
  for (const tile of document.querySelectorAll(".counts button")) tile.setAttribute("aria-pressed", tile.value === at("show").value);
}
function goTo(to) {
  first = Math.max(0, Math.min(to, Math.floor((found.length - 1) / +at("size").value) * +at("size").value));
  show();
}
function choices(select, values, names) {
  const chosen = values.map((value, index) => [names(value), index + 1]).sort();
  for (const [text, value] of chosen) select.add(new Option(text, value));
}
function chosen(id) { return at(id).selectedOptions[0].textContent; }
function describe() {
  const parts = [];
  if (at("show").value !== "all") parts.push(`show: ${chosen("show")}`);
  if (at("domain").value) parts.push(`domain: ${chosen("domain")}`);
  if (at("status").value) parts.push(`service says: ${chosen("status")}`);
  if (at("search").value.trim()) parts.push(`search: ${at("search").value.trim()}`);
  const cut = found.length > MOST_PRINTED ? ` The first ${number(MOST_PRINTED)} are printed; the CSV file has all.` : "";
  at("asked-for").textContent = `Chosen: ${parts.join("; ") || "everybody"}.${cut}`;
}

function start() {
  choices(at("domain"), shared.domain.values, (value) => value);
  choices(at("status"), shared.status.values, said);
  at("search").addEventListener("input", find);
  for (const id of ["show", "domain", "status"]) at(id).addEventListener("change", find);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("clear").addEventListener("click", () => { at("filters").reset(); find(); });
  at("heads").addEventListener("click", ({target}) => {
    if (!target.value) return;
    sorted = {key: target.value, turn: sorted.key === target.value ? -sorted.turn : 1};
    for (const head of at("heads").children) head.removeAttribute("aria-sort");
    target.closest("th").setAttribute("aria-sort", sorted.turn === 1 ? "ascending" : "descending");
    find();
  });
  for (const tile of document.querySelectorAll(".counts button")) {
    tile.addEventListener("click", () => { at("show").value = at("show").value === tile.value ? "all" : tile.value; find(); });
  }
  const size = () => +at("size").value;
  at("size").addEventListener("change", () => goTo(Math.floor(first / size()) * size()));
  at("first").addEventListener("click", () => goTo(0));
  at("back").addEventListener("click", () => goTo(first - size()));
  at("next").addEventListener("click", () => goTo(first + size()));
  at("last").addEventListener("click", () => goTo(found.length));
  addEventListener("beforeprint", () => { describe(); show(true); });
  addEventListener("afterprint", () => show());
  at("filters").hidden = false;
  find();
  document.documentElement.dataset.ready = "";
}

// A block at a time, so that a million people do not stop the page from being read meanwhile.
const blocks = [...document.querySelectorAll("script.rows")];
function next() {
  const until = performance.now() + 50;
  while (blocks.length && performance.now() < until) {
    const block = blocks.shift();
    read(block.textContent);
    block.remove();
  }
  if (!blocks.length) start();
  else { at("count").textContent = `The list is being read: ${people(total)} so far.`; setTimeout(next); }
}
next();
})();
