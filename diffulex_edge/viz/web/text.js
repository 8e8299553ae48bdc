import { element, scaleColour } from './dom.js';

const EDITS = { mask: ', to be masked', pin: ', pinned' };

/** The share of the colour scale that a token gets; null for a token without a number. */
function shareOf(token, colour, steps) {
  if (!token || token.state === 'given') return null;
  if (colour === 'confidence') return token.confidence ?? null;
  if (colour === 'entropy' && token.entropy != null) return 1 - token.entropy / 4;
  if (colour === 'step' && token.revealed) return token.revealed / steps;
  return null;
}

/** The tokens of a reel from `first` on. `onaction(what, position)`: look, click, mask or pin. */
export class TokenText {
  constructor(reel, onaction, first = 0) {
    this.reel = reel;
    this.first = first;
    this.onaction = onaction;
    this.spans = [];
    this.looks = []; // how each span is drawn, to draw again only what changed
    this.edits = {}; // position -> 'mask' or 'pin'
    this.step = 0;
    this.focused = first; // the one position in the Tab order
    this.difference = null; // the position that is framed
    const { grid } = reel.film;
    this.before = element('div', { class: 'dx-flow' });
    this.behind = element('div', { class: 'dx-flow' });
    const style = grid ? `grid-template-columns:repeat(${grid[1]},auto)` : '';
    this.grid = grid ? element('div', { class: 'dx-grid', style }) : null;
    this.box = element(
      'div',
      { class: 'dx-text', role: 'group', 'aria-label': 'tokens', onkeydown: (e) => this.onkey(e) },
      this.before,
      this.grid,
      this.behind,
    );
    for (const type of ['mouseover', 'focusin', 'click']) {
      this.box.addEventListener(type, (event) => this.onpoint(event));
    }
  }

  onpoint(event) {
    if (event.target.dataset?.p === undefined) return;
    const position = Number(event.target.dataset.p);
    if (event.type === 'focusin') this.moveFocus(position);
    this.onaction(event.type === 'click' ? 'click' : 'look', position);
  }

  moveFocus(position) {
    const last = this.focused;
    this.spans[last]?.setAttribute('tabindex', -1);
    this.focused = position;
    this.spans[position].setAttribute('tabindex', 0);
    this.nameSpan(last);
    this.nameSpan(position);
  }

  nameSpan(position) {
    const span = this.spans[position];
    if (!span) return;
    const name = this.nameOf(position);
    if (name) span.setAttribute('aria-label', name);
    else span.removeAttribute('aria-label');
  }

  nameOf(position) {
    const edit = EDITS[this.edits[position]] ?? '';
    if (position === this.focused) return this.reel.describe(position, this.step) + edit;
    return this.reel.look(position, this.step)?.state === 'mask' ? `mask${edit}` : null;
  }

  onkey(event) {
    if (event.target.dataset.p === undefined) return;
    const position = Number(event.target.dataset.p);
    const action = { Enter: 'click', ' ': 'click', m: 'mask', p: 'pin' }[event.key];
    const target = this.neighbour(position, event.key);
    if (target != null) {
      const inside = Math.min(Math.max(target, 0), this.spans.length - 1);
      if (!this.spans[inside].hidden) this.spans[inside].focus();
    } else if (action) {
      this.onaction(action, position);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  neighbour(position, key) {
    if (key === 'ArrowLeft') return position - 1;
    if (key === 'ArrowRight') return position + 1;
    if (key !== 'ArrowUp' && key !== 'ArrowDown') return null;
    const direction = key === 'ArrowDown' ? 1 : -1;
    const { grid } = this.reel.film;
    return grid ? position + direction * grid[1] : this.inNextLine(position, direction);
  }

  inNextLine(position, direction) {
    const from = this.spans[position].getBoundingClientRect();
    let nearest = position;
    let shortest = Infinity;
    this.spans.forEach((span, other) => {
      const to = span.getBoundingClientRect();
      const down = (to.top - from.top) * direction;
      const aside = Math.abs(to.left + to.width / 2 - from.left - from.width / 2);
      const distance = 4 * down + aside;
      if (down > 4 && to.width && distance < shortest) {
        shortest = distance;
        nearest = other;
      }
    });
    return nearest;
  }

  /** Show the text after `step`; returns how many spans were touched. */
  draw(step, colour) {
    this.step = step;
    this.touched = 0;
    for (let position = 0; position < this.reel.size; position++) {
      this.drawToken(position, colour);
    }
    this.nameSpan(this.focused);
    return this.touched;
  }

  drawToken(position, colour) {
    const span = this.spans[position] ?? this.addSpan(position);
    const token = this.reel.look(position, this.step);
    const share = shareOf(token, colour, Math.max(this.reel.count, 1));
    const classes = token ? this.classesOf(position, token, share, colour) : '';
    const look = token ? `${token.id} ${classes} ${share?.toFixed(2)}` : '';
    if (this.looks[position] === look) return;
    this.looks[position] = look;
    this.touched++;
    span.hidden = !token || position < this.first;
    if (!token) return;
    span.className = classes;
    // of several blanks all but the last are kept: a line may break at that one
    const word = this.reel.word(token.id).replace(/ (?= )|^ +$/g, '\u00a0');
    span.textContent = token.state === 'mask' ? '░' : word;
    if (share == null) span.style.removeProperty('--v');
    else span.style.setProperty('--v', scaleColour(share));
    this.nameSpan(position);
  }

  classesOf(position, token, share, colour) {
    const classes = ['dx-t', token.state];
    if (token.revisions) classes.push('revised');
    if (token.dropped) classes.push('cut');
    if (share != null) classes.push('ramp');
    if (colour !== 'state') classes.push('plain');
    if (this.edits[position]) classes.push(`e-${this.edits[position]}`);
    if (this.difference === position) classes.push('diff');
    if (token.state !== 'mask' && this.reel.word(token.id).includes('↵')) classes.push('br');
    return classes.join(' ');
  }

  addSpan(position) {
    const tabindex = position === this.focused ? 0 : -1;
    const span = element('span', { class: 'dx-t', role: 'button', tabindex, 'data-p': position });
    const [first, columns, rows] = this.reel.film.grid ?? [Infinity, 0, 0];
    if (position < first) this.before.append(span);
    else if (position < first + columns * rows) this.grid.append(span);
    else this.behind.append(span);
    this.spans[position] = span;
    return span;
  }

  follow(step) {
    const newest = Math.max(...(this.reel.fresh[step] ?? []), -1);
    const span = this.spans[newest];
    if (!span) return;
    const box = this.box.getBoundingClientRect();
    const token = span.getBoundingClientRect();
    if (token.bottom > box.bottom - 8) this.box.scrollTop += token.bottom - box.bottom + 40;
    else if (token.top < box.top + 8) this.box.scrollTop -= box.top - token.top + 40;
  }
}
