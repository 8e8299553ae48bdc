import { element, kindColour, scaleColour, svgElement } from './dom.js';
import { pairs } from './reel.js';

const LINE = 16; // pixels of a line of the lane

/** Forwards over time: a line per kind, each forward as wide as it took. `ongo(step)`: a click. */
export class Lane {
  constructor(reel, ongo) {
    this.reel = reel;
    this.kinds = [];
    this.drawn = 0;
    this.total = 1;
    this.cursor = svgElement('rect', { class: 'dx-cursor', y: 0 });
    const properties = { class: 'dx-lane', preserveAspectRatio: 'none', 'aria-hidden': 'true' };
    this.svg = svgElement('svg', properties, this.cursor);
    this.names = element('div', { class: 'dx-kinds' });
    this.box = element('div', { class: 'dx-lanebox' }, this.names, this.svg);
    this.svg.onclick = (event) => {
      const { left, width } = this.svg.getBoundingClientRect();
      ongo(reel.stepAt(((event.clientX - left) / width) * this.total) + 1);
    };
  }

  /** Show up to `total` milliseconds, with the cursor at `step`; only new forwards are added. */
  draw(step, total) {
    while (this.drawn < this.reel.count) this.addForward(this.drawn++);
    this.total = Math.max(total, 1e-6);
    const height = Math.max(this.kinds.length, 1) * LINE;
    this.svg.setAttribute('viewBox', `0 0 ${this.total} ${height}`);
    this.svg.style.height = `${height}px`;
    const from = step ? this.reel.time[step - 1] : 0;
    const width = step ? this.reel.time[step] - from : 0;
    this.cursor.setAttribute('x', from);
    this.cursor.setAttribute('width', Math.max(width, this.total / 400));
    this.cursor.setAttribute('height', height);
  }

  addForward(index) {
    const step = this.reel.steps[index];
    const fill = kindColour(step.kind);
    if (!this.kinds.includes(step.kind)) {
      this.kinds.push(step.kind);
      this.names.append(element('span', { style: `--k:${fill}` }, step.kind));
    }
    const y = this.kinds.indexOf(step.kind) * LINE + 1;
    const title = svgElement('title', {}, `step ${index + 1}: ${step.kind}, ${step.ms} ms`);
    const size = { width: Math.max(step.ms, 1e-6), height: LINE - 3 };
    const bar = svgElement('rect', { x: this.reel.time[index], y, ...size, fill }, title);
    this.svg.insertBefore(bar, this.cursor);
  }
}

const LEFT_TO_RIGHT = ['prefill', 'verify', 'commit'];
const MAP_NAME = 'reveal map: a row per step, a column per position';

/** The reveal map. `ongo(step, position)`: a click. */
export class RevealMap {
  constructor(reel, ongo) {
    this.reel = reel;
    this.sheet = element('canvas'); // a pixel per cell, never on the page
    this.painted = 0; // cells in all
    this.rows = 0; // rows of the sheet that are painted
    this.canvas = element('canvas', { role: 'img', 'aria-label': MAP_NAME });
    this.row = element('div', { class: 'dx-row' });
    this.column = element('div', { class: 'dx-col' });
    this.box = element('div', { class: 'dx-map' }, this.canvas, this.row, this.column);
    this.box.onclick = (event) => ongo(...this.cellAt(event));
    this.box.onmousemove = (event) => {
      const [step, position] = this.cellAt(event);
      if (!(step >= 1 && step <= reel.count && position < reel.size)) return;
      this.box.title = `step ${step}: ${reel.describe(position, step)}`;
    };
  }

  cellAt(event) {
    const box = this.canvas.getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.lines);
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.columns);
    if (!this.drafts) return [row + 1, this.first + column];
    return [column + 1, this.origin(column + 1) + row];
  }

  /** The first position that a step revealed. */
  origin(number) {
    return Math.min(...(this.reel.steps[number - 1]?.new ?? []));
  }

  /** Where a position of a step is drawn: column and row. */
  place(number, position) {
    if (!this.drafts) return [position - this.first, number - 1];
    return [number - 1, position - this.origin(number)];
  }

  /** What is drawn: positions by steps, or of a text written from left to right, its forwards. */
  measure() {
    const { reel } = this;
    const kinds = new Set(reel.steps.map((step) => step.kind));
    const written = kinds.has('verify') || kinds.has('commit');
    this.drafts = written && [...kinds].every((kind) => LEFT_TO_RIGHT.includes(kind));
    this.first = Math.min(reel.film.prompt, Math.max(reel.size - 1, 0));
    const size = Math.max(reel.size - this.first, 1);
    const count = Math.max(reel.count, 1);
    const deepest = Math.max(3, ...reel.steps.map((step) => step.new?.length ?? 0));
    [this.columns, this.lines] = this.drafts ? [count, deepest] : [size, count];
  }

  /** Paint the steps that are not on the sheet yet. */
  paint(entropy) {
    const { reel, sheet } = this;
    const key = `${this.first} ${entropy} ${this.drafts}`;
    if (this.columns > sheet.width || this.lines > sheet.height || key !== this.painting) {
      if (this.columns > sheet.width) sheet.width = (this.drafts ? 2 : 1) * this.columns;
      if (this.lines > sheet.height) sheet.height = 2 * this.lines;
      sheet.getContext('2d').clearRect(0, 0, sheet.width, sheet.height);
      this.painting = key;
      this.rows = 0;
    }
    for (; this.rows < reel.count; this.rows++) {
      const step = reel.steps[this.rows];
      // without a number
      for (const position of step.new ?? []) this.paintCell(position, '#8fa3bd');
      for (const [position, value] of pairs(entropy ? step.ent : step.conf)) {
        const share = entropy ? 1 - value / 400 : value / 1000;
        this.paintCell(position, `rgb(${scaleColour(share)})`);
      }
    }
  }

  paintCell(position, colour) {
    const [column, row] = this.place(this.rows + 1, position);
    if (position < this.first || !(row >= 0)) return;
    const context = this.sheet.getContext('2d');
    context.fillStyle = colour;
    context.fillRect(column, row, 1, 1);
    this.painted++;
  }

  draw(step, colour, position) {
    const { reel } = this;
    this.measure();
    const entropy = colour === 'entropy' && reel.entropy.some(Boolean);
    const width = this.box.clientWidth || 480;
    const tall = this.drafts ? 20 : 10;
    const height = Math.min(Math.max(this.lines * tall, 72), 300);
    const key = `${reel.count} ${reel.size} ${width} ${entropy}`;
    if (key !== this.shown) {
      this.shown = key;
      this.paint(entropy);
      this.enlarge(width, height, this.lines);
    }
    this.drawCursor(step, position, height);
  }

  drawCursor(step, position, height) {
    const [column, row] = this.place(step, position ?? -1);
    const shownRow = step && !this.drafts;
    const shownColumn = this.drafts ? step : position != null && column >= 0;
    const tall = Math.max(height / this.lines, 2);
    const top = (row / this.lines) * height;
    const left = (column / this.columns) * 100;
    this.row.style.cssText = shownRow ? `top:${top}px;height:${tall}px` : 'display:none';
    const place = `left:${left}%;width:${100 / this.columns}%`;
    this.column.style.cssText = shownColumn ? place : 'display:none';
  }

  get legend() {
    return this.drafts
      ? 'reveal map: forward →, the tokens of it ↓, ○ revealed'
      : 'reveal map: step ↓, position →, ○ revealed';
  }

  enlarge(width, height, count) {
    const ratio = window.devicePixelRatio || 1;
    const cell = { width: width / this.columns, height: height / count };
    const small = Math.min(cell.width, cell.height);
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    this.canvas.style.height = `${height}px`;
    const context = this.canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.imageSmoothingEnabled = small * ratio < 1;
    context.drawImage(this.sheet, 0, 0, this.columns, count, 0, 0, width, height);
    if (small > 5) {
      for (let i = 1; i < this.columns; i++) context.clearRect(i * cell.width - 0.5, 0, 1, height);
      for (let i = 1; i < count; i++) context.clearRect(0, i * cell.height - 0.5, width, 1);
    }
    this.markReveals(context, cell);
    this.markRevisions(context, cell);
  }

  marks(entries) {
    const places = [];
    entries.forEach((steps, position) => {
      if (position < this.first) return;
      for (const [step] of steps) places.push(this.place(step, position));
    });
    return places;
  }

  markReveals(context, cell) {
    const radius = Math.min(cell.width, cell.height) / 2;
    const side = Math.max(radius, 1.5);
    context.lineWidth = 1.5;
    context.strokeStyle = '#d9480f';
    for (const [column, row] of this.marks(this.reel.revealed)) {
      const x = (column + 0.5) * cell.width;
      const y = (row + 0.5) * cell.height;
      if (radius > 2.5) {
        context.beginPath();
        context.arc(x, y, Math.min(radius - 1, 4), 0, 7);
        context.fillStyle = '#fff';
        context.fill();
        context.stroke();
      } else {
        context.fillStyle = '#d9480f';
        context.fillRect(x - side / 2, y - side / 2, side, side);
      }
    }
  }

  markRevisions(context, cell) {
    const width = Math.max(cell.width - 2, 2);
    const height = Math.max(cell.height - 2, 2);
    context.lineWidth = 2;
    context.strokeStyle = '#d6336c';
    for (const [column, row] of this.marks(this.reel.revisions)) {
      context.strokeRect(column * cell.width + 1, row * cell.height + 1, width, height);
    }
  }
}

const CURVE = { width: 300, bottom: 80, height: 76 };

export class RateCurve {
  constructor(reels) {
    this.reels = reels;
    const properties = { viewBox: '0 0 300 84', preserveAspectRatio: 'none' };
    this.svg = svgElement('svg', { ...properties, 'aria-hidden': 'true' });
    this.note = element('div', { class: 'dx-soft' });
    this.box = element('div', { class: 'dx-curve', role: 'img' }, this.svg, this.note);
  }

  draw(timeline) {
    const rates = this.reels.flatMap((reel) => reel.steps.map((step) => step.tpf));
    const top = Math.max(1.2, ...rates) * 1.08;
    const y = (rate) => (CURVE.bottom - (rate / top) * CURVE.height).toFixed(1);
    const one = { x1: 0, x2: CURVE.width, y1: y(1), y2: y(1), class: 'dx-one' };
    this.svg.replaceChildren(svgElement('line', one));
    this.reels.forEach((reel, film) => {
      const x = (step) => (timeline.shareOf(reel, step) * CURVE.width).toFixed(1);
      this.drawReel(reel, `dx-film${film}`, timeline.stepOf(reel), x, y);
    });
    const notes = this.reels.map((reel) => this.noteOf(reel, timeline.stepOf(reel)));
    const said = notes.join(' · ');
    this.note.textContent = `tokens per forward: ${said} (dashed: one, autoregressive)`;
    this.box.setAttribute('aria-label', this.note.textContent);
  }

  drawReel(reel, film, now, x, y) {
    if (reel.count) {
      const rates = [reel.steps[0].tpf, ...reel.steps.map((step) => step.tpf)];
      const points = rates.map((rate, step) => `${x(step)},${y(rate)}`).join(' ');
      const { bottom } = CURVE;
      const area = `0,${bottom} ${points} ${x(reel.count)},${bottom}`;
      this.svg.append(svgElement('polygon', { class: `dx-area ${film}`, points: area }));
      this.svg.append(svgElement('polyline', { class: `dx-line ${film}`, points }));
    }
    if (!now) return;
    const cursor = { x1: x(now), x2: x(now), y1: 2, y2: 82 };
    this.svg.append(svgElement('line', { ...cursor, class: `dx-line ${film} dx-thin` }));
  }

  noteOf(reel, now) {
    const title = this.reels.length > 1 ? `${reel.film.title} ` : '';
    return title + (now ? reel.steps[now - 1].tpf.toFixed(2) : '–');
  }
}
