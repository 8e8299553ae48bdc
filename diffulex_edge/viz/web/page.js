import { Player } from './player.js';

const data = JSON.parse(document.getElementById('data').textContent);

// for a reader at the browser's console
window.film = new Player(document.getElementById('film'), data.films, data.options);
window.film.view.focus({ preventScroll: true }); // the keys play it at once
