import { element, kindColour, scaleGradient } from './dom.js';

const soft = (text) => element('span', { class: 'dx-soft' }, text);

const STATES = [
  ['given', 'given'],
  ['mask', 'masked'],
  ['new', 'revealed now'],
  ['done', 'settled'],
  ['done revised', 'revised'],
  ['done cut', 'not kept'],
];

const ENDS = {
  confidence: ['unsure 0', '1 sure'],
  entropy: ['4 nats', '0'],
  step: ['first step', 'last step'],
};

/** What the colours mean, as nodes. */
export function legend(colour) {
  if (colour === 'state') {
    return STATES.map(([state, text]) => element('span', { class: `dx-t ${state}` }, text));
  }
  const [low, high] = ENDS[colour];
  const scale = element('span', { class: 'dx-ramp', style: `background:${scaleGradient()}` });
  return [soft(low), scale, soft(high)];
}

/** The facts of a step as nodes, separated by dots. */
export function stepFacts(reel, number) {
  if (!number) {
    return [`start, ${reel.count} steps in ${(reel.duration / 1000).toFixed(2)} s`];
  }
  const step = reel.steps[number - 1];
  const facts = [
    `step ${number} of ${reel.count}`,
    element('span', { class: 'dx-kind', style: `--k:${kindColour(step.kind)}` }, step.kind),
    `block ${step.block}`,
    `${(step.new ?? []).length} revealed`,
    `${step.ms.toFixed(1)} ms`,
    `rows ${step.start}–${step.start + step.rows}`,
    `kv ${step.kv}`,
    element('b', {}, `TPF ${step.tpf.toFixed(2)}`),
  ];
  const { kept } = reel.film;
  if (number === reel.count && kept != null) facts.push(`${kept} tokens kept`);
  return facts.flatMap((fact, i) => (i ? [' · ', fact] : [fact]));
}

const ROWS = 11; // steps in the table
const NO_TOKEN = 'Point at a token, or Tab into the text, to see its candidates.';
const NO_CANDIDATES =
  'No alternatives: none were recorded, or the model gives no logits (a .pte: its method logits).';

const note = (text) => element('p', { class: 'dx-soft' }, text);
const heading = (text) => element('div', { class: 'dx-word' }, text);
const plainWord = (reel, id) => reel.word(id).trim() || '␣';

/** What is known about a position after a step, as nodes; `position` null: none is chosen. */
export function tokenDetail(reel, position, step) {
  if (position == null) return [heading('token'), note(NO_TOKEN)];
  const token = reel.look(position, step);
  const masked = token?.state === 'mask';
  const word = token ? plainWord(reel, token.id) : '–';
  const facts = reel.describe(position, step).replace(/^.*?, position/, 'position');
  const nodes = [heading(masked ? '░ mask' : word), element('p', {}, facts)];
  const revisions = reel.revisions[position] ?? [];
  if (revisions.length) {
    const before = revisions.map(([until, id]) => `${plainWord(reel, id)} until step ${until}`);
    nodes.push(element('p', {}, `revised: it was ${before.join(', ')}`));
  }
  const table = candidateTable(reel, position, step);
  if (table) nodes.push(table);
  if (table && !reel.candidates[position]) nodes.push(note(NO_CANDIDATES));
  return nodes;
}

function candidateTable(reel, position, step) {
  const best = (reel.confidence[position] ?? []).map(([at, share]) => [at, [[null, share]]]);
  const rows = reel.candidates[position] ?? best;
  if (!rows.length) return null;
  const next = rows.findIndex((row) => row[0] >= step);
  const middle = next < 0 ? rows.length - 1 : next;
  const from = Math.max(0, Math.min(middle - 5, rows.length - ROWS));
  const reveals = (reel.revealed[position] ?? []).map((entry) => entry[0]);
  const lines = rows.slice(from, from + ROWS).map(([at, candidates]) => {
    const ring = reveals.includes(at) ? ' ○' : '';
    const cells = candidates.map(([id, share]) => candidate(reel, id, share));
    const head = element('th', { scope: 'row' }, `${at}${ring}`);
    return element('tr', { class: at === step ? 'now' : '' }, head, element('td', {}, ...cells));
  });
  return element('table', { class: 'dx-cand' }, element('tbody', {}, ...lines));
}

function candidate(reel, id, share) {
  const word = id == null ? 'best' : plainWord(reel, id);
  const title = `${word} ${share.toFixed(3)}`;
  const properties = { class: 'dx-c', style: `--q:${share}`, title };
  return element('span', properties, `${word} ${share.toFixed(2)}`);
}
