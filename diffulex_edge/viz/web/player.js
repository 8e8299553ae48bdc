import { Lane, RateCurve, RevealMap } from './charts.js';
import { Controls } from './controls.js';
import { element } from './dom.js';
import { legend, stepFacts, tokenDetail } from './panels.js';
import { Reel } from './reel.js';
import { TokenText } from './text.js';
import { Timeline } from './timeline.js';

/** One film on the page: its text, its facts, its lane and its map. */
class Pane {
  constructor(player, reel, index) {
    this.reel = reel;
    const onaction = (action, position) => player.act(index, action, position);
    const first = player.options.answer ? reel.film.prompt : 0; // without the prompt
    this.text = new TokenText(reel, onaction, first);
    this.lane = new Lane(reel, (step) => player.jump(reel, step));
    this.map = new RevealMap(reel, (step, position) => {
      player.select(index, position);
      player.jump(reel, step);
    });
    this.facts = element('div', { class: 'dx-facts' });
    this.verdict = element('span', { class: 'dx-over' }); // who was done when
  }

  /** The section of the page; `top` is what stands where the text is. */
  layOut(index, top, verdict) {
    const title = this.reel.film.title || '';
    const heading = element('h2', { class: `dx-name dx-film${index}` }, title, verdict);
    const label = title || `film ${index + 1}`;
    this.box = element('section', { class: 'dx-pane', 'aria-label': label }, heading, top);
    this.note = element('div', { class: 'dx-soft' });
    this.box.append(this.facts, this.lane.box, this.note, this.map.box);
  }

  draw(step, duration, colour, position) {
    const { reel } = this;
    this.text.draw(step, colour);
    this.lane.draw(step, duration);
    this.map.draw(step, colour, position);
    this.note.textContent = this.map.legend;
    this.drawFacts(stepFacts(reel, step));
    const done = reel.count && step === reel.count;
    const seconds = (reel.duration / 1000).toFixed(2);
    this.verdict.textContent = done ? `done: ${reel.count} forwards, ${seconds} s` : '';
  }

  drawFacts(nodes) {
    const text = nodes.map((node) => node.textContent ?? node).join('');
    if (text === this.facts.textContent) return;
    this.facts.replaceChildren(...nodes);
  }
}

const ANNOUNCE_EVERY = 5000; // milliseconds between sentences of a film that plays
const STEPS_A_SECOND = 4; // at speed 1, by step

export class Player {
  constructor(root, films, options = {}) {
    this.options = options;
    this.reels = films.map((film) => new Reel(film));
    this.timeline = new Timeline(this.reels, options.sync || 'step', options.at);
    this.colour = options.colour || 'state';
    this.speed = 1;
    this.playing = false;
    this.follow = options.at == null; // stay at the end of a film that grows
    this.selected = { film: 0, position: null };
    this.told = 0; // when something was last said
    this.panes = this.reels.map((reel, index) => new Pane(this, reel, index));
    if (options.diff != null) {
      for (const { text, reel } of this.panes) text.difference = reel.film.prompt + options.diff;
    }
    this.controls = new Controls(this);
    this.editor = options.editor?.(this);
    this.curve = new RateCurve(this.reels);
    this.legend = element('div', { class: 'dx-legend', role: 'group', 'aria-label': 'legend' });
    this.detail = element('div', { class: 'dx-detail' });
    this.voice = element('div', { class: 'dx-say', role: 'status' }); // heard, not seen
    this.view = this.layOut();
    root.replaceChildren(this.view);
    this.resizing = new ResizeObserver(() => this.draw());
    this.resizing.observe(this.view);
    this.draw();
  }

  layOut() {
    const two = this.reels.length > 1;
    this.panes.forEach((pane, index) => {
      const side = two ? null : element('div', { class: 'dx-side' }, this.detail, this.curve.box);
      const top = two ? pane.text.box : element('div', { class: 'dx-top' }, pane.text.box, side);
      pane.layOut(index, top, two ? pane.verdict : null);
    });
    const below = two ? element('div', { class: 'dx-below' }, this.detail, this.curve.box) : null;
    return element(
      'div',
      {
        class: two ? 'dx dx-two' : 'dx',
        role: 'region',
        'aria-label': 'denoising',
        tabindex: -1,
        'data-lm-suppress-shortcuts': 'true', // JupyterLab keeps its own keys to itself
        onkeydown: (event) => this.onkey(event),
      },
      this.voice,
      this.controls.box,
      this.legend,
      this.editor?.box,
      this.differenceNote(),
      element('div', { class: 'dx-panes' }, ...this.panes.map((pane) => pane.box)),
      below,
      element('p', { class: 'dx-soft dx-keys' }, this.keysNote()),
    );
  }

  differenceNote() {
    const { diff } = this.options;
    if (diff === undefined || this.reels.length < 2) return null;
    const first = `First difference: token ${diff + 1} of the answer (framed).`;
    return element('p', { class: 'dx-diff' }, diff == null ? 'The answers are identical.' : first);
  }

  keysNote() {
    const keys = 'Keys: space plays, ← → step (in the text: next token), Home and End, c colours';
    return this.editor ? `${keys}, m masks and p pins the token.` : `${keys}.`;
  }

  draw() {
    const { timeline, colour, selected } = this;
    this.controls.draw(timeline);
    if (this.legendColour !== colour) {
      this.legendColour = colour;
      this.legend.replaceChildren(...legend(colour));
    }
    for (const pane of this.panes) {
      const step = timeline.stepOf(pane.reel);
      pane.draw(step, timeline.duration, colour, selected.position);
      if (this.playing || this.follow) pane.text.follow(step);
    }
    this.curve.draw(timeline);
    const reel = this.reels[selected.film];
    const detail = tokenDetail(reel, selected.position, timeline.stepOf(reel));
    this.detail.replaceChildren(...detail);
  }

  /** The step of the first film. */
  get step() {
    return this.timeline.stepOf(this.reels[0]);
  }

  select(film, position) {
    this.selected = { film, position };
  }

  act(film, action, position) {
    const edit = action === 'click' ? this.editor?.tool : action;
    if (edit === 'mask' || edit === 'pin') this.editor?.toggle(position, edit);
    this.select(film, position);
    this.draw();
  }

  paint(colour) {
    this.colour = colour;
    this.draw();
  }

  setSpeed(speed) {
    this.speed = speed;
  }

  switchTo(mode) {
    this.timeline.switchTo(mode);
    this.draw();
  }

  go(value, quiet = false) {
    this.timeline.go(value);
    this.moved(quiet);
  }

  move(direction) {
    this.timeline.move(direction);
    this.moved();
  }

  jump(reel, step, quiet = false) {
    this.go(this.timeline.valueOfStep(reel, step), quiet);
  }

  moved(quiet = false) {
    this.follow = true; // what is new there comes into view
    this.draw();
    this.follow = this.timeline.atEnd;
    this.report(quiet);
  }

  report(quiet = false) {
    this.announce();
    if (!quiet) this.options.onstep?.(this.step);
  }

  announce() {
    this.told = performance.now();
    const sentences = this.reels.map((reel) => {
      const name = this.reels.length > 1 && reel.film.title ? `${reel.film.title}: ` : '';
      return name + reel.tell(this.timeline.stepOf(reel));
    });
    this.voice.textContent = sentences.join('; ');
  }

  announceNowAndThen() {
    if (performance.now() - this.told > ANNOUNCE_EVERY) this.announce();
  }

  toggle(playing = !this.playing) {
    this.playing = playing;
    this.controls.showPlaying(playing);
    if (!playing) {
      this.draw();
      this.report();
      return;
    }
    if (this.timeline.atEnd) this.timeline.go(0);
    this.owed = 0; // milliseconds or steps
    this.lastFrame = performance.now();
    requestAnimationFrame((now) => this.onframe(now));
  }

  onframe(now) {
    if (!this.playing || !this.view.isConnected) return;
    const { timeline } = this;
    const seconds = (now - this.lastFrame) / 1000;
    this.lastFrame = now;
    this.owed += seconds * this.speed * (timeline.byTime ? 1000 : STEPS_A_SECOND);
    const due = timeline.byTime ? this.owed : Math.floor(this.owed);
    if (due > 0) {
      this.owed -= due;
      timeline.go(timeline.value + due);
      this.draw();
      this.announceNowAndThen();
    }
    if (timeline.atEnd) this.toggle(false);
    else requestAnimationFrame((next) => this.onframe(next));
  }

  onkey(event) {
    const { tagName, type } = event.target;
    const typing =
      ['SELECT', 'TEXTAREA'].includes(tagName) || (tagName === 'INPUT' && type !== 'range');
    const pressing = event.key === ' ' && tagName === 'BUTTON';
    if (event.ctrlKey || event.metaKey || event.altKey || typing || pressing) return;
    const actions = {
      ArrowRight: () => this.move(1),
      ArrowLeft: () => this.move(-1),
      '.': () => this.move(1),
      ',': () => this.move(-1),
      Home: () => this.go(0),
      End: () => this.go(Infinity),
      ' ': () => this.toggle(),
      k: () => this.toggle(),
      c: () => this.controls.nextColour(),
    };
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  }

  /** One more step of a film, with the texts of tokens that were not seen before. */
  add(film, step, words) {
    Object.assign(this.reels[film].film.words, words);
    this.reels[film].add(step);
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (this.follow && !this.playing) this.timeline.go(Infinity);
      this.draw();
      this.announceNowAndThen();
    });
  }

  /** A film is complete; `kept` tokens of it are the answer. */
  done(film, kept) {
    this.reels[film].film.kept = kept;
    this.draw();
    this.announce();
  }

  destroy() {
    this.playing = false;
    this.resizing.disconnect();
  }
}
