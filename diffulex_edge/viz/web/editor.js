import { button, element } from './dom.js';

const TOOLS = [
  ['inspect', 'look'],
  ['mask', 'mask'],
  ['pin', 'pin'],
];
const AGAIN = 'denoise again with these tokens masked or pinned';

/** The bar that masks and pins tokens. `onedit({mask, pin, step})`: denoise again. */
export class Editor {
  constructor(player, onedit) {
    this.player = player;
    this.text = player.panes[0].text;
    this.tool = 'inspect';
    this.count = element('span', { class: 'dx-soft' }, 'a click on a token masks or pins it');
    const send = () =>
      onedit({ mask: this.list('mask'), pin: this.list('pin'), step: player.step });
    this.box = element(
      'div',
      { class: 'dx-bar dx-edit', role: 'group', 'aria-label': 'edit' },
      ...this.toolChoices(),
      button(AGAIN, 'denoise again', send, 'dx-go'),
      button('forget the edits', 'clear', () => this.clear()),
      this.count,
    );
  }

  toolChoices() {
    const name = `dx-tool-${Math.random().toString(36).slice(2)}`; // unique in a page of widgets
    return TOOLS.map(([tool, text]) => {
      const onchange = () => {
        this.tool = tool;
      };
      const radio = { type: 'radio', name, value: tool, checked: tool === 'inspect', onchange };
      return element('label', { class: `dx-choice ${tool}` }, element('input', radio), text);
    });
  }

  list(kind) {
    const edits = Object.entries(this.text.edits);
    return edits.filter(([, edit]) => edit === kind).map(([position]) => +position);
  }

  toggle(position, kind) {
    const { edits, reel } = this.text;
    if (position < reel.film.prompt) return;
    if (edits[position] === kind) delete edits[position];
    else edits[position] = kind;
    const pinned = this.list('pin').length;
    const rest = pinned ? 'everything else is written again' : 'everything else stays';
    this.count.textContent = `${this.list('mask').length} masked, ${pinned} pinned: ${rest}`;
  }

  clear() {
    this.text.edits = {};
    this.player.draw();
  }
}
