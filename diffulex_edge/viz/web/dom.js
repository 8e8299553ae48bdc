/** An HTML element: `on…` properties are handlers, `true` is an attribute without a value. */
export function element(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) {
      node[name] = value;
    } else if (name === 'style') {
      node.style.cssText = value; // as an attribute, a strict page would not take it
    } else if (value === true) {
      node.setAttribute(name, '');
    } else if (value !== false && value != null) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

/** An SVG element; its properties are attributes. */
export function svgElement(tag, properties = {}, ...children) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(properties)) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export const ICONS = {
  first: 'M2 3h2v10H2zM14 3v10L5 8z',
  back: 'M11 3v10L4 8z',
  play: 'M4 2l10 6-10 6z',
  pause: 'M3 2h4v12H3zM9 2h4v12H9z',
  forward: 'M5 3v10l7-5z',
  last: 'M12 3h2v10h-2zM2 3v10l9-5z',
};

export function icon(name) {
  const path = svgElement('path', { d: ICONS[name] });
  return svgElement('svg', { viewBox: '0 0 16 16', class: 'dx-icon', 'aria-hidden': 'true' }, path);
}

/** A button whose label is heard, and seen as its tooltip. */
export function button(label, content, onclick, className = '') {
  const properties = { type: 'button', 'aria-label': label, title: label, class: className };
  return element('button', { ...properties, onclick }, content);
}

const KIND_COLOURS = {
  prefill: '#8a8f98',
  denoise: '#3b82d6',
  commit: '#2e9e6b',
  refresh: '#9061d6',
  guide: '#c2569c',
  verify: '#129aa3',
};

export function kindColour(kind) {
  return KIND_COLOURS[kind] ?? '#888';
}

const STOPS = [
  [72, 36, 117],
  [62, 74, 137],
  [38, 130, 142],
  [53, 183, 121],
  [170, 220, 50],
  [253, 231, 37],
];

/** Red, green and blue of `share` from 0 (unsure) to 1 (sure), as CSS wants them in `rgb(…)`. */
export function scaleColour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const i = Math.min(Math.floor(place), STOPS.length - 2);
  const mix = (low, high) => Math.round(low + (high - low) * (place - i));
  return STOPS[i].map((low, channel) => mix(low, STOPS[i + 1][channel])).join(' ');
}

/** The whole scale as a CSS background. */
export function scaleGradient() {
  return `linear-gradient(90deg,${STOPS.map((stop) => `rgb(${stop.join(' ')})`)})`;
}
