// Two workers compute 200 ms each, three times; the main thread reads files meanwhile.
const { Worker, isMainThread, parentPort } = require('node:worker_threads');
const fs = require('node:fs/promises');

if (isMainThread) {
  const reads = setInterval(() => fs.readFile(__filename), 20);
  let left = 2;
  for (let n = 0; n < 2; n++) {
    const worker = new Worker(__filename);
    let rounds = 3;
    worker.on('message', () => {
      rounds -= 1;
      if (rounds > 0) return setTimeout(() => worker.postMessage('go'), 50);
      worker.terminate();
      left -= 1;
      if (left === 0) clearInterval(reads);
    });
    worker.postMessage('go');
  }
} else {
  parentPort.on('message', () => {
    const end = Date.now() + 200;
    while (Date.now() < end);
    parentPort.postMessage('done');
  });
}
