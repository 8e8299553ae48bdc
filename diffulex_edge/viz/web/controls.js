import { button, element, icon } from './dom.js';

const SPEEDS = [
  [0.25, '¼×'],
  [0.5, '½×'],
  [1, '1×'],
  [2, '2×'],
  [4, '4×'],
  [16, '16×'],
];
const COLOURS = [
  ['state', 'state'],
  ['confidence', 'confidence'],
  ['entropy', 'entropy'],
  ['step', 'reveal step'],
];
const MODES = [
  ['step', 'by step'],
  ['time', 'by time'],
];

function choice(name, entries, value, onchoose) {
  const options = entries.map(([key, text]) => element('option', { value: key }, text));
  const onchange = (event) => onchoose(event.target.value);
  const select = element('select', { 'aria-label': name, onchange }, ...options);
  select.value = value;
  return element('label', {}, element('span', { class: 'dx-soft' }, name), select);
}

/** The controls of a player. */
export class Controls {
  constructor(player) {
    const { timeline } = player;
    this.play = button('play or pause (space)', icon('play'), () => player.toggle(), 'dx-play');
    this.slider = element('input', {
      type: 'range',
      min: 0,
      step: 'any',
      'aria-label': 'position in the film',
      oninput: () =>
        player.go(timeline.byTime ? +this.slider.value : Math.round(this.slider.value)),
    });
    this.clock = element('span', { class: 'dx-clock' });
    const colour = choice('colour', COLOURS, player.colour, (name) => player.paint(name));
    this.colour = colour.querySelector('select');
    const together = (mode) => player.switchTo(mode);
    this.box = element(
      'div',
      { class: 'dx-bar dx-main', role: 'group', 'aria-label': 'film controls' },
      button('to the start (Home)', icon('first'), () => player.go(0)),
      button('step back (left arrow)', icon('back'), () => player.move(-1)),
      this.play,
      button('step forward (right arrow)', icon('forward'), () => player.move(1)),
      button('to the end (End)', icon('last'), () => player.go(Infinity)),
      this.slider,
      this.clock,
      choice('speed', SPEEDS, 1, (speed) => player.setSpeed(+speed)),
      colour,
      player.reels.length > 1 ? choice('together', MODES, timeline.mode, together) : null,
    );
  }

  draw(timeline) {
    this.slider.max = timeline.end;
    this.slider.value = timeline.value;
    this.slider.setAttribute('aria-valuetext', timeline.spoken());
    this.clock.textContent = `${timeline}`;
  }

  showPlaying(playing) {
    this.play.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.play.classList.toggle('on', playing);
  }

  nextColour() {
    this.colour.selectedIndex = (this.colour.selectedIndex + 1) % this.colour.options.length;
    this.colour.onchange({ target: this.colour });
  }
}
