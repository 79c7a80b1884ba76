'use strict';
// Reads the policies every two seconds, and changes in the page only the texts that are others than before. Every text of the program goes into
// the page as text, never as HTML.

const EVERY = 2000;
const PATIENCE = 10000;
const SAMPLES = 60;
const FEWEST = 8;
const RECENT = 5;
const ROWS = 100;
const STACKS = 50;
const LINES = 100;

// the page may be mounted with or without a slash at its end
const base = location.pathname.endsWith('/') ? location.pathname : location.pathname + '/';
const $ = id => document.getElementById(id);

// ---- words ----

const REASONS = {
  circuit_open: 'the breaker is open, or waits for its probes',
  queue_full: 'all permits are in use and the queue is full',
  waited_too_long: 'no permit was free in time',
  reentrant: 'the call that waits holds one of the permits itself',
  rate_limited: 'the rate is used up',
  paused: 'the server asked for a pause',
  too_heavy: 'the call weighs more than the burst',
  shed: 'the server refuses so many that some calls are dropped here',
  timed_out: 'the call did not end in time',
  deadline_exceeded: 'the deadline of the call around it is over',
  cancelled: 'a signal stopped it',
  no_runtime: 'there is no tokio runtime with a timer on its thread',
};
const OUTCOMES = {
  success: 'succeeded',
  transient: 'failed, and may succeed later',
  throttled: 'refused by the server for now',
  permanent: 'failed, and would fail again',
  abandoned: 'dropped or panicked before its end',
};
const STATES = {
  closed: 'Closed', open: 'Open', half_open: 'Half-open', recovering: 'Recovering', forced_open: 'Forced open', disabled: 'Lets all through',
};
const FORCES = {
  open: 'It refuses every call until its state is let go.',
  closed: 'It lets every call through, however many fail, until its state is let go.',
};
const MODES = {
  enforce: 'It refuses calls as its settings say.',
  observe: 'It counts the calls that it would refuse, and refuses none.',
  off: 'It does nothing.',
};

const words = name => name.replaceAll('_', ' ');
const some = (number, noun) => `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
const count = number => number.toLocaleString('en');
const number = value => value == null ? 'unlimited' : count(Math.round(value * 1000) / 1000);
const rate = value => value === 0 ? '0' : value < 0.1 ? '<0.1' : value < 10 ? count(Math.round(value * 10) / 10) : count(Math.round(value));
const seconds = time => time ? time.secs + time.nanos / 1e9 : null;
const exact = value => value >= 1 || value === 0 ? `${number(value)} s` : `${number(value * 1000)} ms`;

function length(value) {
  if (value < 60) return `${Math.floor(value)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.floor(value % 60)} s`;
  if (value < 86400) return `${Math.floor(value / 3600)} h ${Math.floor(value % 3600 / 60)} min`;
  return `${Math.floor(value / 86400)} d ${Math.floor(value % 86400 / 3600)} h`;
}

// ---- the page's parts ----

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// writes only if it is another: reading an attribute costs no layout
function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}
function attribute(node, name, value) {
  if (value == null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}
function shown(node, is) {
  if (node.hidden === is) node.hidden = !is;
}

// brings the children into that order, and takes no child out that is there already at its place
function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) {
    if (!keep.has(child)) child.remove();
  }
  let at = parent.firstElementChild;
  for (const node of wanted) {
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
}

// the rows of a small table: [class of the row, cells]
function rows(body, wanted) {
  while (body.rows.length > wanted.length) body.deleteRow(-1);
  wanted.forEach(([kind, ...cells], index) => {
    const row = body.rows[index] ?? body.insertRow();
    attribute(row, 'class', kind || null);
    cells.forEach((cell, place) => {
      const node = row.cells[place] ?? row.insertCell();
      const isNumber = typeof cell === 'object';
      attribute(node, 'class', isNumber ? 'number' : null);
      text(node, isNumber ? cell.number : cell);
    });
  });
}

function badge(node, { mark, says }) {
  attribute(node, 'class', `badge ${mark}`);
  text(node, says);
}

// ---- what is known of a policy ----

class Lines {
  constructor() {
    this.values = new Float32Array(SAMPLES);
    this.filled = 0;
  }
  add(value) {
    this.values.copyWithin(0, 1);
    this.values[SAMPLES - 1] = value;
    if (this.filled < SAMPLES) this.filled++;
  }
  recent() {
    const from = Math.min(RECENT, this.filled);
    if (from === 0) return 0;
    let sum = 0;
    for (let at = SAMPLES - from; at < SAMPLES; at++) sum += this.values[at];
    return sum / from;
  }
  most() {
    return this.values.reduce((most, value) => Math.max(most, value), 0);
  }
  path() {
    const most = this.most();
    // a line of a few samples takes a part of the width, and fewer than all need not fill it
    const step = (SAMPLES - 1) / (Math.max(this.filled, FEWEST) - 1);
    let path = '';
    for (let back = this.filled - 1; back >= 0; back--) {
      const height = most === 0 ? 0 : this.values[SAMPLES - 1 - back] / most;
      path += `${path ? 'L' : 'M'}${(SAMPLES - 1 - back * step).toFixed(1)} ${(15 - 14 * height).toFixed(1)}`;
    }
    return path;
  }
}

const of = (numbers, name) => numbers.find(number => number.name === name)?.value;
const setting = (policy, key) => policy.settings.find(setting => setting.key === key)?.value;
const sum = numbers => numbers.reduce((sum, number) => sum + (number.value ?? 0), 0);

class Known {
  constructor(id) {
    this.id = id;
    this.functions = [];
    this.forget();
  }

  forget() {
    this.at = null;
    this.calls = new Lines();
    this.failures = new Lines();
    this.refusals = new Lines();
    this.by = new Map();
    this.worse = new Lines();
    this.observed = new Lines();
  }

  take(policy, at) {
    this.policy = policy;
    const refused = sum(policy.rejections);
    const calls = sum(policy.outcomes) + refused;
    const failed = (of(policy.outcomes, 'transient') ?? 0) + (of(policy.outcomes, 'throttled') ?? 0);
    const unpaid = of(policy.counts, 'gave_up budget_exhausted') ?? of(policy.counts, 'hedges_suppressed') ?? 0;
    const observed = of(policy.counts, 'observed') ?? 0;
    // another process, or the policy was made again
    if (this.at != null && (calls < this.last.calls || at <= this.at)) this.forget();
    if (this.at != null) {
      const time = (at - this.at) / 1000;
      this.calls.add((calls - this.last.calls) / time);
      this.failures.add(Math.max(0, failed - this.last.failed) / time);
      this.refusals.add(Math.max(0, refused - this.last.refused) / time);
      this.worse.add(Math.max(0, unpaid - this.last.unpaid) / time);
      this.observed.add(Math.max(0, observed - this.last.observed) / time);
      for (const { name, value } of policy.rejections) {
        if (value > 0 && !this.by.has(name)) this.by.set(name, new Lines());
        this.by.get(name)?.add(Math.max(0, value - (of(this.last.rejections, name) ?? 0)) / time);
      }
    }
    this.at = at;
    this.last = { calls, failed, refused, unpaid, observed, rejections: policy.rejections };
    this.rates = { calls: this.calls.recent(), failures: this.failures.recent(), refusals: this.refusals.recent() };
    this.levels = levels(policy);
    this.health = health(this);
    this.words = [policy.name, policy.kind, words(policy.kind), policy.series.layer, policy.mode ?? '', policy.state ?? '', this.health.says,
      ...this.functions].join(' ').toLowerCase();
  }
}

// the limits of a policy and how far they are used
function levels(policy) {
  const level = name => of(policy.levels, name);
  const found = [];
  const use = (of, most, says, full) => found.push({ share: most > 0 ? Math.min(1, of / most) : 0, says, full });
  const limit = level('limit') ?? Number(setting(policy, 'limit'));
  if (level('in_use') != null && limit >= 0) {
    use(level('in_use'), limit, `${count(level('in_use'))} of ${some(limit, 'permit')} in use`, level('in_use') >= limit);
  }
  const queue = Number(setting(policy, 'queue'));
  if (level('waiting') != null && queue > 0) {
    use(level('waiting'), queue, `${count(level('waiting'))} of ${some(queue, 'place')} in the queue`, level('waiting') >= queue);
  } else if (level('waiting') > 0) {
    use(0, 0, `${some(level('waiting'), 'call')} waiting`, false);
  }
  const balance = level('budget_balance');
  if (balance != null) {
    const most = Number(setting(policy, 'budget')?.match(/and ([\d.]+)\/s/)?.[1] ?? 0) * 10;
    const says = `budget of ${some(Math.floor(balance), 'attempt')} left`;
    use(balance, Math.max(most, balance, 1), says, balance < 1);
  }
  if (level('window_calls') > 0) {
    const [bad, all] = [level('window_failures'), level('window_calls')];
    use(bad, all, `${count(bad)} of ${some(all, 'call')} failed in the window`, bad / all >= 0.5);
  }
  const share = level('rate_share');
  if (share != null && share < 1) use(share, 1, `${Math.round(share * 100)} % of the rate let through`, false);
  if (level('drop_ratio') > 0) use(level('drop_ratio'), 1, `${Math.round(level('drop_ratio') * 100)} % of the calls dropped`, false);
  if (policy.keys) {
    const { len, capacity } = policy.keys;
    use(len, capacity, `${count(len)} of ${some(capacity, 'key')}`, len >= capacity);
  }
  return found;
}

// the worst that is known of a policy; the rank is the order of the list
function health(known) {
  const { policy, rates } = known;
  const level = name => of(policy.levels, name);
  const is = (rank, mark, says) => ({ rank, mark, says });
  const force = policy.settings.find(setting => setting.key === 'force')?.value;
  if (policy.mode === 'off') return is(11, 'note', 'Off');
  if (policy.mode === 'observe') return is(10, 'note', 'Observes');
  if (policy.state === 'forced_open') return is(0, 'bad', 'Forced open');
  if (policy.state === 'open') return is(0, 'bad', 'Open');
  const balance = level('budget_balance');
  if (balance != null && balance < 1 || known.worse.recent() > 0 && policy.kind === 'retry') return is(1, 'bad', 'Budget exhausted');
  const limit = level('limit');
  const inUse = level('in_use');
  const waits = level('waiting') > 0;
  if (inUse != null && limit > 0 && inUse >= limit && (waits || rates.refusals > 0)) return is(2, 'bad', 'Full');
  if (policy.state === 'half_open') return is(3, 'warn', 'Half-open');
  if (policy.state === 'recovering') return is(3, 'warn', 'Recovering');
  if (policy.keys?.unhealthy > 0) return is(4, 'warn', `${some(policy.keys.unhealthy, 'key')} in trouble`);
  if (level('paused') > 0) return is(5, 'warn', 'Paused');
  if (rates.refusals > 0) return is(6, 'warn', policy.kind === 'timeout' ? 'Timing out' : policy.kind === 'throttle' ? 'Dropping' : 'Refusing');
  if (level('rate_share') < 1) return is(7, 'warn', 'Slowed');
  if (policy.keys && policy.keys.len >= policy.keys.capacity) return is(7, 'warn', 'No room for keys');
  if (rates.failures > 0 && rates.failures >= rates.calls / 2) return is(8, 'warn', 'Failing');
  if (inUse != null && limit > 0 && inUse >= limit * 0.8) return is(9, 'warn', 'Nearly full');
  if (policy.state === 'disabled' || force === 'closed') return is(12, 'note', 'Lets all through');
  if (known.last.calls === 0) return is(20, 'idle', 'Not used yet');
  return is(15, 'well', 'Well');
}
const isTrouble = known => known.health.rank < 10;

const policies = new Map();
let functions = [];
let facts = { changes: false, events: false };

function read(listing) {
  const present = new Set();
  const meet = (policy, path) => {
    const { series } = policy;
    const id = JSON.stringify([series.policy, series.function, series.layer, series.function ? '' : `${policy.file}:${policy.line}`]);
    let known = policies.get(id);
    if (!known) policies.set(id, known = new Known(id));
    if (!present.has(id)) {
      known.functions = [];
      present.add(id);
      fresh.push([known, policy]);
    }
    if (path) known.functions.push(path);
    return known;
  };
  const fresh = [];
  functions = listing.functions.map(({ module, function: name, file, line, stack, worst_case, unlimited }) => {
    const path = `${module}::${name}`;
    const layers = stack.map(({ layer, policy }) => ({ layer, known: policy && meet(policy, path) }));
    return { path, file, line, layers, worst: seconds(worst_case), unlimited };
  });
  listing.others.forEach(policy => meet(policy, null));
  const news = [];
  for (const [known, policy] of fresh) {
    const before = known.policy;
    known.take(policy, listing.at);
    if (before) news.push(...differences(before, policy));
  }
  for (const id of policies.keys()) {
    if (!present.has(id)) policies.delete(id);
  }
  facts = { changes: listing.changes, events: listing.events };
  return news;
}

// the changes that are worth saying aloud
function differences(before, after) {
  const news = [];
  const name = `${after.name}, ${words(after.series.layer)}`;
  if (before.state !== after.state) news.push(`${name}: ${(STATES[after.state] ?? after.state ?? '').toLowerCase()}`);
  if (before.mode !== after.mode) news.push(`${name}: mode ${after.mode}`);
  const paused = policy => of(policy.levels, 'paused') > 0;
  if (paused(before) !== paused(after)) news.push(`${name}: ${paused(after) ? 'paused' : 'no longer paused'}`);
  return news;
}

// ---- the list ----

const COLUMNS = [
  { id: 'name', head: 'Policy', by: known => known.policy.name, down: false },
  { id: 'health', head: 'Health', by: known => known.health.rank, down: false },
  { id: 'use', head: 'Use', by: known => Math.max(-1, ...known.levels.map(level => level.share)), down: true },
  { id: 'calls', head: 'Calls/s', by: known => known.rates.calls, down: true },
  { id: 'failures', head: 'Failures/s', by: known => known.rates.failures, down: true },
  { id: 'refusals', head: 'Refusals/s', by: known => known.rates.refusals, down: true },
];
const sorting = { column: COLUMNS[1], down: false };
let page = 0;
let held = [];

function compare(one, other) {
  const [a, b] = [sorting.column.by(one), sorting.column.by(other)];
  const order = typeof a === 'string' ? a.localeCompare(b) : a - b;
  return (sorting.down ? -order : order) || one.health.rank - other.health.rank || other.rates.refusals - one.rates.refusals
    || one.policy.name.localeCompare(other.policy.name) || (one.id < other.id ? -1 : 1);
}

function wanted() {
  const parts = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const only = $('trouble').checked;
  const matches = known => (!only || isTrouble(known)) && parts.every(part => known.words.includes(part));
  return [...policies.values()].filter(matches).sort(compare);
}

// rows do not move under the pointer or the keyboard
const isHeld = () => $('rows').contains(document.activeElement) || $('rows').matches(':hover') && !touch;
const touch = matchMedia('(hover: none)').matches;

const lines = new Map();

function list(mayMove) {
  const all = wanted();
  page = Math.min(page, Math.max(0, Math.ceil(all.length / ROWS) - 1));
  let visible = all.slice(page * ROWS, (page + 1) * ROWS);
  if (!mayMove && isHeld()) {
    const there = new Set(all);
    const stay = held.filter(known => there.has(known) && policies.get(known.id) === known);
    const more = visible.filter(known => !stay.includes(known));
    visible = [...stay, ...more.slice(0, Math.max(0, ROWS - stay.length))];
  }
  held = visible;
  const keep = new Set(visible.map(known => known.id));
  for (const id of lines.keys()) {
    if (!keep.has(id)) lines.delete(id);
  }
  const nodes = visible.flatMap(known => {
    let line = lines.get(known.id);
    if (!line) lines.set(known.id, line = new Line(known));
    line.update(known);
    return line.nodes();
  });
  arrange($('rows'), nodes);
  shown($('none'), all.length === 0 && policies.size > 0);
  shown($('pages'), all.length > ROWS);
  text($('page'), all.length === 0 ? '' : `${count(page * ROWS + 1)} to ${count(Math.min(all.length, (page + 1) * ROWS))} of ${count(all.length)}`);
  $('back').disabled = page === 0;
  $('on').disabled = (page + 1) * ROWS >= all.length;
}

function spark(cell, what, lines) {
  const path = cell.querySelector('path');
  attribute(path, 'd', lines.path() || 'M0 15');
  attribute(path, 'class', lines.most() === 0 ? 'flat' : null);
  const says = `${what} over the last ${length(lines.filled * EVERY / 1000)}: ${rate(lines.recent())} a second now, ${rate(lines.most())} at most`;
  attribute(cell.querySelector('svg'), 'aria-label', says);
  text(cell.querySelector('b'), rate(lines.recent()));
}

function rateCell(head, kind) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  for (const [name, value] of [['viewBox', '0 0 59 16'], ['preserveAspectRatio', 'none'], ['role', 'img']]) svg.setAttribute(name, value);
  svg.append(document.createElementNS(space, 'path'));
  return make('td', { class: `rate ${kind}`, role: 'cell', 'data-head': head }, make('span', { class: 'number' }, make('b'), svg), make('small'));
}

let lineNumber = 0;

class Line {
  constructor(known) {
    this.known = known;
    const id = `details-${lineNumber++}`;
    this.button = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': id });
    this.button.addEventListener('click', () => this.toggle());
    this.small = make('small');
    this.name = make('td', { class: 'name', role: 'cell' }, this.button, this.small);
    this.badge = make('span');
    this.since = make('small');
    this.state = make('td', { class: 'state', role: 'cell' }, this.badge, this.since);
    this.use = make('td', { class: 'use', role: 'cell' });
    this.calls = rateCell('Calls/s', '');
    this.failures = rateCell('Failures/s', 'bads');
    this.refusals = rateCell('Refusals/s', 'bads');
    this.row = make('tr', { role: 'row' }, this.name, this.state, this.use, this.calls, this.failures, this.refusals);
    this.details = make('tr', { class: 'details', role: 'row', id, hidden: '' });
    this.opened = null;
  }

  nodes() {
    return [this.row, this.details];
  }

  toggle() {
    const open = this.details.hidden;
    this.details.hidden = !open;
    this.row.classList.toggle('open', open);
    this.button.setAttribute('aria-expanded', String(open));
    if (open && !this.opened) {
      this.opened = new Details(this.known);
      this.details.append(make('td', { role: 'cell', colspan: String(COLUMNS.length) }, this.opened.node));
    }
    if (open) this.opened.update(this.known);
  }

  update(known) {
    this.known = known;
    const { policy, health } = known;
    text(this.button, policy.name);
    const place = known.functions.length === 0 ? 'by hand'
      : known.functions.length === 1 ? known.functions[0] : `${known.functions[0]} and ${some(known.functions.length - 1, 'other')}`;
    text(this.small, `${words(policy.series.layer)}, ${place}`);
    badge(this.badge, health);
    text(this.since, besides(known));
    while (this.use.children.length > known.levels.length) this.use.lastChild.remove();
    known.levels.forEach((level, index) => {
      let node = this.use.children[index];
      if (!node) this.use.append(node = make('span', { class: 'level' }, make('span'), make('i', { class: 'bar', 'aria-hidden': 'true' }, make('i'))));
      const [says, bar] = node.children;
      text(says, level.says);
      attribute(bar, 'class', level.full ? 'bar full' : 'bar');
      const scale = `scaleX(${level.share.toFixed(3)})`;
      if (bar.firstChild.style.transform !== scale) bar.firstChild.style.transform = scale;
    });
    spark(this.calls, 'Calls', known.calls);
    spark(this.failures, 'Failures', known.failures);
    spark(this.refusals, 'Refusals', known.refusals);
    const reasons = [...known.by].map(([name, lines]) => [name, lines.recent()]).filter(([, rate]) => rate > 0);
    reasons.sort((one, other) => other[1] - one[1]);
    text(this.refusals.lastChild, reasons.map(([name]) => words(name)).join(', '));
    if (this.opened && !this.details.hidden) this.opened.update(known);
  }
}

// the state with its time, and what is other than usual
function besides({ policy, health, observed }) {
  const parts = [];
  const time = seconds(policy.state_for);
  if (policy.state && time != null) {
    const state = STATES[policy.state] ?? policy.state;
    parts.push(state === health.says ? `for ${length(time)}` : `${state.toLowerCase()} for ${length(time)}`);
  }
  if (observed.recent() > 0) parts.push(`would refuse ${rate(observed.recent())} a second`);
  const changed = policy.settings.filter(setting => setting.value !== setting.compiled).length;
  if (changed > 0) parts.push(`${some(changed, 'setting')} changed`);
  return parts.join(', ');
}

// ---- the details of one policy ----

class Details {
  constructor(known) {
    const { policy } = known;
    this.known = known;
    this.node = make('div', { class: 'facts' });
    if (facts.changes && policy.mode != null) this.addActions();
    if (policy.rejections.length > 0) this.refusals = this.addTable('Why calls were refused', ['Reason', 'Meaning', 'Ever', 'A second']);
    this.outcomes = this.addTable('Ends of calls', ['Outcome', 'Meaning', 'Ever']);
    if (policy.settings.length > 0) this.settings = this.addTable('Settings', ['Key', 'Value', 'Compiled', 'From']);
    this.numbers = this.addTable('Numbers', ['Name', 'Value']);
    if (policy.durations) this.durations = this.addTable('Durations', ['Share of the calls', 'No longer than']);
    if (policy.keys) this.keys = this.addTable('Keys', ['Key', 'State', 'Activity']);
    this.place = make('p', { class: 'quiet' });
    this.stacks = make('div');
    this.add('Place', this.place, this.stacks).className = 'wide';
  }

  add(title, ...nodes) {
    const section = make('section', {}, make('h3', {}, title), ...nodes);
    this.node.append(section);
    return section;
  }

  addTable(title, heads) {
    const body = make('tbody');
    const note = make('p', { class: 'quiet' });
    const isNumber = head => ['Ever', 'A second', 'Activity'].includes(head);
    const head = make('tr', {}, ...heads.map(head => make('th', { scope: 'col', class: isNumber(head) ? 'number' : null }, head)));
    const table = make('table', {}, make('caption', { class: 'unseen' }, title), make('thead', {}, head), body);
    this.add(title, note, table);
    return (wanted, says = '') => {
      shown(table, wanted.length > 0);
      shown(note, says !== '');
      text(note, says);
      rows(body, wanted);
    };
  }

  addActions() {
    const { policy } = this.known;
    const name = `${policy.name}, ${words(policy.series.layer)}`;
    const group = (title, ...buttons) => {
      const label = make('span', { 'aria-hidden': 'true' }, title);
      return make('div', { class: 'actions', role: 'group', 'aria-label': `${title} of ${name}` }, label, ...buttons);
    };
    const button = (says, does, title, meaning, body) => {
      const node = make('button', { type: 'button' }, says);
      node.addEventListener('click', () => ask(this.known.policy, does, title, meaning, body, node));
      return node;
    };
    const groups = [];
    if (policy.kind !== 'fan_out') {
      const modes = Object.entries(MODES).map(([mode, meaning]) => button(mode, 'Set the mode', `Set the mode of ${name} to ${mode}?`, meaning, { mode }));
      const back = button('as before', 'Take it back', `Take back the mode of ${name}?`, 'It goes again by the settings file, or as it was built.', { mode: null });
      groups.push(group('Mode', ...modes, back));
    }
    if (policy.kind.startsWith('circuit_breaker')) {
      const forces = Object.entries(FORCES).map(([force, meaning]) => button(force, 'Force it', `Force ${name} ${force}?`, meaning, { force }));
      groups.push(group('Force', ...forces, button('let go', 'Let go', `Let go of the state of ${name}?`, 'It decides by itself again.', { force: null })));
    }
    const reset = button('reset', 'Reset', `Reset ${name}?`, 'Windows and queues are empty, budgets full and breakers closed. Settings stay.', { reset: true });
    groups.push(group('State', reset));
    const section = this.add('Actions', make('div', { class: 'groups' }, ...groups));
    section.className = 'wide';
  }

  update(known) {
    this.known = known;
    const { policy } = known;
    const refused = policy.rejections.filter(({ value }) => value > 0).sort((one, other) => other.value - one.value);
    this.refusals?.(refused.map(({ name, value }) =>
      ['', words(name), REASONS[name] ?? '', { number: count(value) }, { number: rate(known.by.get(name)?.recent() ?? 0) }]),
      refused.length === 0 ? 'No call was refused.' : '');
    const ended = policy.outcomes.filter(({ value }) => value > 0);
    this.outcomes(ended.map(({ name, value }) => ['', words(name), OUTCOMES[name] ?? '', { number: count(value) }]),
      ended.length === 0 ? 'No call has ended yet.' : '');
    this.settings?.(policy.settings.map(({ key, value, compiled, origin }) => {
      const changed = value !== compiled;
      return [changed ? 'changed' : '', key, value, compiled, origin ?? (changed ? 'the program' : 'as built')];
    }));
    const numbers = [...policy.levels, ...policy.counts].filter(({ value }) => value !== 0);
    this.numbers(numbers.map(({ name, value }) => ['', words(name), number(value)]), numbers.length === 0 ? 'All are zero.' : '');
    this.durations?.(quantiles(policy.durations));
    if (this.keys) {
      const { len, capacity, unhealthy, overflowed, in_trouble, busiest } = policy.keys;
      const seen = new Set();
      const shown = [...in_trouble, ...busiest].filter(({ key }) => !seen.has(key) && seen.add(key));
      this.keys(shown.map(({ key, state, activity }) => [in_trouble.some(other => other.key === key) ? 'changed' : '', key,
        state ? STATES[state] ?? state : in_trouble.some(other => other.key === key) ? 'in trouble' : 'well', { number: count(activity) }]),
      `${count(len)} of ${some(capacity, 'key')}, ${count(unhealthy)} in trouble, ${some(overflowed, 'call')} without room`);
    }
    text(this.place, `${policy.file}:${policy.line}`);
    const mine = functions.filter(({ layers }) => layers.some(layer => layer.known === known)).slice(0, 5);
    while (this.stacks.children.length > mine.length) this.stacks.lastChild.remove();
    mine.forEach((found, index) => {
      if (!this.stacks.children[index]) this.stacks.append(stackNode());
      stack(this.stacks.children[index], found, known);
    });
  }
}

// the bounds that so many of a hundred calls stay within
function quantiles({ bounds, outcomes }) {
  const buckets = bounds.map((_, index) => outcomes.reduce((sum, { buckets }) => sum + buckets[index], 0));
  const all = outcomes.reduce((sum, { buckets }) => sum + buckets.reduce((sum, number) => sum + number, 0), 0);
  if (all === 0) return [['', 'No call has ended yet', '']];
  return [50, 95, 99].map(percent => {
    let so = 0;
    const at = buckets.findIndex(number => (so += number) >= all * percent / 100);
    return ['', `${percent} of 100`, at < 0 ? `more than ${exact(bounds.at(-1))}` : exact(bounds[at])];
  });
}

// ---- stacks ----

function stackNode() {
  return make('div', {}, make('p', {}, make('code'), ' ', make('span', { class: 'quiet' })), make('ol', { class: 'stack' }));
}

function stack(node, { path, layers, worst, unlimited }, current) {
  const [head, list] = node.children;
  text(head.firstChild, path);
  text(head.lastChild, worst == null ? `nothing limits the time of a call${unlimited ? `: ${unlimited}` : ''}` : `at most ${exact(worst)} a call`);
  attribute(list, 'aria-label', `Stack of ${path}, the outermost policy first`);
  while (list.children.length > layers.length) list.lastChild.remove();
  layers.forEach(({ layer, known }, index) => {
    if (!list.children[index]) list.append(make('li', {}, make('span'), ' ', make('span')));
    const item = list.children[index];
    attribute(item, 'aria-current', current && known === current ? 'true' : null);
    text(item.firstChild, words(layer));
    const health = known?.health;
    const says = health && health.rank < 15;
    shown(item.lastChild, Boolean(says));
    if (says) badge(item.lastChild, health);
  });
}

let stacksShown = STACKS;

function stacks() {
  const parts = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const only = $('trouble').checked;
  const matches = ({ path, layers }) => layers.some(({ known }) => known && (!only || isTrouble(known))
    && parts.every(part => known.words.includes(part) || path.toLowerCase().includes(part)));
  const worst = ({ layers }) => Math.min(...layers.map(({ known }) => known ? known.health.rank : 99));
  const found = functions.filter(matches).map(found => [worst(found), found]);
  found.sort(([one, a], [other, b]) => one - other || a.path.localeCompare(b.path));
  shown($('functions'), functions.length > 0);
  const list = $('stacks');
  while (list.children.length > Math.min(found.length, stacksShown)) list.lastChild.remove();
  found.slice(0, stacksShown).forEach(([, found], index) => {
    if (!list.children[index]) list.append(make('li', {}, stackNode()));
    stack(list.children[index].firstChild, found, null);
  });
  shown($('more-stacks'), found.length > stacksShown);
}

// ---- changes ----

let asked = null;
let token = '';
let done = [];

function ask(policy, does, title, meaning, body, from) {
  asked = { policy, title, body, from };
  text($('confirm-title'), title);
  text($('confirm-text'), meaning);
  text($('confirm-result'), '');
  text($('do'), does);
  $('do').disabled = false;
  $('confirm').showModal();
}

async function change(event) {
  event.preventDefault();
  const { policy, body, title } = asked;
  const { series } = policy;
  $('do').disabled = true;
  text($('confirm-result'), '');
  const headers = { 'content-type': 'application/json' };
  if ($('token').value) token = $('token').value;
  if (token) headers.authorization = `Bearer ${token}`;
  try {
    const answer = await fetch(`${base}policies/${encodeURIComponent(series.function || policy.name)}`, {
      method: 'POST', headers, body: JSON.stringify({ kind: series.layer, ...body }), signal: AbortSignal.timeout(PATIENCE),
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) {
      const changed = said.changed.length === 0 ? said.reset > 0 ? 'it is as new' : 'nothing is another than before'
        : said.changed.map(({ key, before, after }) => `${words(key)} ${words(before)} is now ${words(after)}`).join(', ');
      $('confirm').close();
      // said with the next list, which would drown it otherwise
      done.push(`${title.replace('?', '')}: ${changed}`);
      poll();
      return;
    }
    if (answer.status === 401) {
      shown($('token-label'), true);
      $('token').focus();
    }
    text($('confirm-result'), (said.mistakes ?? [`The server answered ${answer.status}.`]).join('\n'));
  } catch (error) {
    text($('confirm-result'), `The server did not answer: ${error.message}`);
  }
  $('do').disabled = false;
}

// ---- what is said aloud ----

function say(news) {
  if (news.length === 0) return;
  const more = news.length > 3 ? `, and ${some(news.length - 3, 'other')}` : '';
  text($('news'), news.slice(0, 3).join('; ') + more);
}

// ---- events ----

let source = null;

function listen() {
  if (source) {
    source.close();
    source = null;
    return heard('');
  }
  source = new EventSource(`${base}events`);
  heard('waiting for events …');
  source.addEventListener('open', () => heard('listening'));
  source.addEventListener('error', () => {
    const isOver = source?.readyState === EventSource.CLOSED;
    if (isOver) source = null;
    heard(isOver ? 'the server lets no further reader in now' : 'the stream has broken off, trying again');
  });
  source.addEventListener('policy', ({ data }) => {
    const { at, level, message, policy, function: path, ...fields } = JSON.parse(data);
    const more = Object.entries(fields).map(([name, value]) => `${words(name)} ${value}`).join(', ');
    const name = [policy, path && `(${path})`].filter(Boolean).join(' ');
    line(at, level === 'warn' || level === 'error' ? 'warn' : 'note', level, `${name ? `${name}: ` : ''}${message}${more ? `, ${more}` : ''}`);
  });
  source.addEventListener('dropped', ({ data }) => line(Date.now(), 'warn', 'missed', `${some(Number(data), 'event')} came too fast`));
}

function heard(says) {
  attribute($('listen'), 'aria-pressed', String(source != null));
  text($('listen'), source ? 'Stop' : 'Listen');
  text($('listening'), says);
}

function line(at, mark, level, says) {
  const time = new Date(at);
  const mine = make('span');
  badge(mine, { mark, says: level });
  const item = make('li', {}, make('time', { datetime: time.toISOString() }, time.toLocaleTimeString('en', { hour12: false })), mine, ` ${says}`);
  $('log').prepend(item);
  while ($('log').children.length > LINES) $('log').lastChild.remove();
}

// ---- reading ----

let timer = 0;
let reading = null;
let last = null;
let lost = 0;

async function poll() {
  clearTimeout(timer);
  reading?.abort();
  if (document.hidden) return;
  const mine = reading = new AbortController();
  const tooLong = setTimeout(() => mine.abort(), PATIENCE);
  try {
    const answer = await fetch(`${base}policies`, { signal: mine.signal, headers: { accept: 'application/json' } });
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    const listing = await answer.json();
    if (mine !== reading) return;
    const news = read(listing);
    draw(false);
    say([...done.splice(0), ...news]);
    summary(listing);
    last = new Date();
    lost = 0;
    attribute($('connection'), 'class', null);
    text($('connection'), '');
  } catch (error) {
    if (mine !== reading) return;
    lost++;
    attribute($('connection'), 'class', 'lost');
    text($('connection'), `No answer since ${last ? last.toLocaleTimeString('en', { hour12: false }) : 'the page opened'}, trying again`);
  } finally {
    clearTimeout(tooLong);
  }
  timer = setTimeout(poll, Math.min(EVERY * 2 ** Math.min(lost, 4), 30000));
}

function summary({ reloads }) {
  const all = [...policies.values()];
  const trouble = all.filter(isTrouble).length;
  const notes = all.filter(known => known.health.rank >= 10 && known.health.rank < 15).length;
  const parts = [some(all.length, 'policy').replace('policys', 'policies'), trouble ? `${count(trouble)} in trouble` : 'none in trouble'];
  if (notes) parts.push(`${count(notes)} not in force`);
  if (reloads.applied + reloads.refused > 0) parts.push(`settings applied ${some(reloads.applied, 'time')}, refused ${some(reloads.refused, 'time')}`);
  text($('summary'), parts.join(', '));
  const title = trouble ? `(${trouble}) Policies` : 'Policies';
  if (document.title !== title) document.title = title;
}

function draw(mayMove) {
  list(mayMove);
  stacks();
  shown($('events'), facts.events);
}

// ---- keys and buttons ----

function sortBy(column, down) {
  sorting.column = column;
  sorting.down = down;
  page = 0;
  $('sort').value = column.id;
  COLUMNS.forEach((other, index) => {
    const head = $('heads').children[index];
    attribute(head, 'aria-sort', other !== column ? null : down ? 'descending' : 'ascending');
    text(head.firstChild.lastChild, other !== column ? '' : down ? ' ↓' : ' ↑');
  });
  if (last) draw(true);
}

function begin() {
  for (const column of COLUMNS) {
    const button = make('button', { type: 'button' }, column.head, make('span', { 'aria-hidden': 'true' }));
    const same = () => sorting.column === column;
    button.addEventListener('click', () => sortBy(column, same() ? !sorting.down : column.down));
    $('heads').append(make('th', { role: 'columnheader', scope: 'col' }, button));
    $('sort').append(make('option', { value: column.id }, column.head));
  }
  sortBy(sorting.column, false);
  $('sort').addEventListener('change', () => {
    const column = COLUMNS.find(({ id }) => id === $('sort').value);
    sortBy(column, column.down);
  });
  for (const id of ['filter', 'trouble']) {
    $(id).addEventListener('input', () => {
      page = 0;
      draw(true);
    });
  }
  $('back').addEventListener('click', () => turn(-1));
  $('on').addEventListener('click', () => turn(1));
  $('more-stacks').addEventListener('click', () => {
    stacksShown += STACKS;
    stacks();
  });
  $('listen').addEventListener('click', listen);
  $('cancel').addEventListener('click', () => $('confirm').close());
  $('form').addEventListener('submit', change);
  $('confirm').addEventListener('close', () => asked?.from.focus());
  document.addEventListener('keydown', key);
  document.addEventListener('visibilitychange', poll);
  poll();
}

function turn(by) {
  page += by;
  draw(true);
  $('policies').scrollIntoView({ block: 'start' });
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || $('confirm').open) return;
  const from = document.activeElement;
  const types = from.matches('input:not([type=checkbox]), select, textarea');
  if (event.key === '/' && !types) {
    event.preventDefault();
    $('filter').focus();
    $('filter').select();
  } else if (event.key === 'Escape') {
    const line = from.closest('tr.details')?.previousElementSibling ?? from.closest('tr.open');
    const open = line?.querySelector('.name button[aria-expanded=true]');
    if (open) {
      open.click();
      open.focus();
    } else if (from === $('filter') && from.value) {
      from.value = '';
      from.dispatchEvent(new Event('input'));
    }
  } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && (from.matches('.name button') || from === $('filter'))) {
    const buttons = [...$('rows').querySelectorAll('.name button')];
    const at = buttons.indexOf(from) + (event.key === 'ArrowDown' ? 1 : -1);
    event.preventDefault();
    if (at < 0) $('filter').focus();
    else buttons[at]?.focus();
  }
}

begin();
