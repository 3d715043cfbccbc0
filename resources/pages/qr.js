// A QR code of version 7, level M, letters as letters (ISO/IEC 18004), as every pass is drawn; and its picture.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const SIZE = 45;
const DATA = 124;
const BLOCKS = 4;
const CHECKS = 18;
const ALIGNED = [6, 22, 38];
const VERSION_BITS = 0x07c94;
export const QUIET = 4;
export const MODULES = SIZE + 2 * QUIET;

const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = value & 128 ? (value << 1) ^ 0x11d : value << 1;
}
const times = (one, other) => (one && other ? EXP[LOG[one] + LOG[other]] : 0);

const GENERATOR = [1];
for (let root = 0; root < CHECKS; root += 1) {
  GENERATOR.push(0);
  for (let at = GENERATOR.length - 1; at > 0; at -= 1) GENERATOR[at] ^= times(GENERATOR[at - 1], EXP[root]);
}

function checks(block) {
  const rest = [...block, ...new Array(CHECKS).fill(0)];
  for (let at = 0; at < block.length; at += 1) {
    const lead = rest[at];
    if (lead) for (let term = 1; term <= CHECKS; term += 1) rest[at + term] ^= times(GENERATOR[term], lead);
  }
  return rest.slice(block.length);
}

function codewords(text) {
  const bits = [];
  const put = (value, width) => {
    for (let bit = width - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  put(2, 4);
  put(text.length, 9);
  const values = [...text].map((letter) => ALPHABET.indexOf(letter));
  if (values.includes(-1)) throw new RangeError("a letter that a pass has not");
  for (let at = 0; at + 1 < values.length; at += 2) put(values[at] * 45 + values[at + 1], 11);
  if (values.length % 2) put(values.at(-1), 6);
  if (bits.length > DATA * 8) throw new RangeError("longer than a pass");
  put(0, Math.min(4, DATA * 8 - bits.length));
  while (bits.length % 8) bits.push(0);
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; data.length < DATA; pad ^= 0xec ^ 0x11) data.push(pad);
  const each = DATA / BLOCKS;
  const blocks = Array.from({ length: BLOCKS }, (_, at) => data.slice(at * each, (at + 1) * each));
  const ends = blocks.map(checks);
  const woven = [];
  for (let at = 0; at < each; at += 1) for (const block of blocks) woven.push(block[at]);
  for (let at = 0; at < CHECKS; at += 1) for (const end of ends) woven.push(end[at]);
  return woven;
}

const MASKS = [
  (y, x) => (y + x) % 2 === 0, (y) => y % 2 === 0, (y, x) => x % 3 === 0, (y, x) => (y + x) % 3 === 0,
  (y, x) => (Math.floor(y / 2) + Math.floor(x / 3)) % 2 === 0, (y, x) => ((y * x) % 2) + ((y * x) % 3) === 0,
  (y, x) => (((y * x) % 2) + ((y * x) % 3)) % 2 === 0, (y, x) => (((y + x) % 2) + ((y * x) % 3)) % 2 === 0,
];

// The fixed modules: true or false; null where data goes.
function frame() {
  const grid = Array.from({ length: SIZE }, () => new Array(SIZE).fill(null));
  const square = (top, left, half) => {
    for (let dy = -half; dy <= half; dy += 1) {
      for (let dx = -half; dx <= half; dx += 1) {
        const [y, x] = [top + dy, left + dx];
        const ring = Math.max(Math.abs(dy), Math.abs(dx));
        if (y >= 0 && y < SIZE && x >= 0 && x < SIZE) grid[y][x] = half === 4 ? ring !== 2 && ring !== 4 : ring !== 1;
      }
    }
  };
  for (const [y, x] of [[3, 3], [3, SIZE - 4], [SIZE - 4, 3]]) square(y, x, 4);
  for (const y of ALIGNED) for (const x of ALIGNED) if (grid[y][x] === null) square(y, x, 2);
  for (let at = 8; at < SIZE - 8; at += 1) grid[6][at] = grid[at][6] = at % 2 === 0;
  for (let bit = 0; bit < 18; bit += 1) {
    const [long, short] = [Math.floor(bit / 3), SIZE - 11 + (bit % 3)];
    grid[long][short] = grid[short][long] = Boolean((VERSION_BITS >> bit) & 1);
  }
  return grid;
}

function named(grid, mask) {
  let rest = mask << 10; // level M is 00
  for (let bit = 14; bit >= 10; bit -= 1) if ((rest >> bit) & 1) rest ^= 0x537 << (bit - 10);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  for (let bit = 0; bit < 15; bit += 1) {
    const dark = Boolean((bits >> bit) & 1);
    grid[bit < 6 ? bit : bit < 8 ? bit + 1 : SIZE - 15 + bit][8] = dark;
    grid[8][bit < 8 ? SIZE - 1 - bit : bit === 8 ? 7 : 14 - bit] = dark;
  }
  grid[SIZE - 8][8] = true;
}

function drawn(words, mask) {
  const grid = frame();
  named(grid, mask);
  let bit = 0;
  for (let right = SIZE - 1, up = true; right > 0; right -= 2, up = !up) {
    if (right === 6) right -= 1;
    for (let step = 0; step < SIZE; step += 1) {
      const y = up ? SIZE - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (grid[y][x] !== null) continue;
        const word = words[bit >> 3] ?? 0;
        grid[y][x] = Boolean((word >> (7 - (bit & 7))) & 1) !== MASKS[mask](y, x);
        bit += 1;
      }
    }
  }
  return grid;
}

// How badly a grid reads (ISO/IEC 18004, 7.8.3).
function burden(grid) {
  let sum = 0;
  const lines = [...grid, ...grid[0].map((_, x) => grid.map((row) => row[x]))];
  for (const line of lines) {
    let run = 0;
    for (let at = 0; at < SIZE; at += 1) {
      run = at && line[at] === line[at - 1] ? run + 1 : 1;
      if (run === 5) sum += 3;
      else if (run > 5) sum += 1;
    }
    const text = line.map((dark) => (dark ? "1" : "0")).join("");
    for (const finder of ["10111010000", "00001011101"]) {
      for (let at = text.indexOf(finder); at >= 0; at = text.indexOf(finder, at + 1)) sum += 40;
    }
  }
  let dark = 0;
  for (let y = 0; y < SIZE; y += 1) {
    for (let x = 0; x < SIZE; x += 1) {
      dark += grid[y][x];
      const one = grid[y][x];
      if (y && x && one === grid[y - 1][x] && one === grid[y][x - 1] && one === grid[y - 1][x - 1]) sum += 3;
    }
  }
  return sum + 10 * Math.floor(Math.abs((dark * 20) / (SIZE * SIZE) - 10));
}

// The modules row by row, dark ones true, with the quiet zone; by one mask, or by the one that reads best.
export function matrix(text, mask = -1) {
  const words = codewords(text);
  const masks = mask < 0 ? MASKS.keys() : [mask];
  let best = null;
  for (const one of masks) {
    const grid = drawn(words, one);
    const cost = mask < 0 ? burden(grid) : 0;
    if (best === null || cost < best.cost) best = { grid, cost };
  }
  const blank = () => new Array(MODULES).fill(false);
  const side = new Array(QUIET).fill(false);
  return [
    ...Array.from({ length: QUIET }, blank), ...best.grid.map((row) => [...side, ...row, ...side]),
    ...Array.from({ length: QUIET }, blank),
  ];
}

// Black on white, so many device pixels a module; a word across it, so faint that dark stays dark (at least 7:1).
export function paint(canvas, text, { scale, mark = "" }) {
  const side = MODULES * scale;
  if (canvas.width !== side) canvas.width = canvas.height = side;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#000";
  matrix(text).forEach((row, y) => row.forEach((dark, x) => dark && pen.fillRect(x * scale, y * scale, scale, scale)));
  if (!mark) return;
  pen.fillStyle = "rgba(128, 128, 128, 0.28)";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `700 ${Math.round(side / 7)}px sans-serif`;
  pen.fillText(mark, side / 2, side / 2, side * 0.72);
}
