import { writeSync } from 'node:fs';
import { Diffusion } from './diffusion.js';

const [prompt, maxNew] = process.argv.slice(2);
const answer = new Diffusion('model.pte').generate(prompt.split(',').map(Number), Number(maxNew));
writeSync(1, `answer ${answer.join(',')}\n`);
