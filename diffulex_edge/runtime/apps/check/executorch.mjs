// Stands in for react-native-executorch where there is no phone: every call is asked of another
// process, a line out and a line in.
import { readSync, writeSync } from 'node:fs';

function ask(line) {
  writeSync(1, line + '\n');
  const byte = Buffer.alloc(1);
  let answer = '';
  while (readSync(0, byte, 0, 1) === 1 && byte[0] !== 10) answer += byte.toString('latin1');
  return answer.split(' ');
}

export function tensor(dtype, shape, src) {
  const size = shape.reduce((one, other) => one * other, 1);
  if (src && src.length !== size) throw new Error(`${src.length} elements for ${shape}`);
  const made = {
    data: src ?? (dtype === 'int64' ? new BigInt64Array(size) : new Float32Array(size)),
    getData(into) {
      into.set(made.data);
      return into;
    },
    dispose() {},
  };
  return made;
}

export function loadModel() {
  return {
    execute(name, inputs, outputs) {
      const words = ask(`${name} ${inputs.map((input) => input.data.join(',')).join(' ')}`);
      if (words[0] === 'missing') throw new Error(`no method ${name}`);
      if (outputs.length === 0) return words.map(Number);
      outputs[0].data.set(words[0].split(',').map(BigInt));
      outputs[1].data.set(words[1].split(',').map(Number));
      return outputs;
    },
  };
}
