import { describe, expect, it } from 'vitest';
import css from '../tokens.css?raw';
import { zoneOf, ZONES } from './zones';

describe('bounds', () => {
  it.each([
    [0, 'recovery'],
    [0.5499, 'recovery'],
    [0.55, 'endurance'],
    [0.75, 'tempo'],
    [0.9, 'threshold'],
    [1.05, 'vo2_max'],
    [1.2, 'anaerobic'],
    [1.5, 'neuromuscular'],
    [9, 'neuromuscular'],
    [-1, 'recovery'],
    [NaN, 'recovery'],
  ])('%d of FTP is %s', (power, zone) => expect(zoneOf(power).id).toBe(zone));
});

// Simulation of dichromacy after Machado, Oliveira and Fernandes (2009), severity 1, on linear sRGB.
const VISIONS: Record<string, number[][]> = {
  typical: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

describe('colours', () => {
  const colours = ZONES.map(({ number }) => css.match(new RegExp(`--zone-${number}: #([0-9a-f]{6})`))?.[1] ?? 'missing');

  it('are set once, the same in every scheme', () => {
    for (const { number } of ZONES) expect(css.split(`--zone-${number}:`)).toHaveLength(2);
  });

  for (const [vision, matrix] of Object.entries(VISIONS)) {
    it(`of any two zones differ with ${vision} vision`, () => {
      const seen = colours.map((hex) => lab(matrix, hex));
      const gaps = seen.flatMap((a, i) => seen.slice(i + 1).map((b, j) => ({ pair: `${i + 1}-${i + j + 2}`, gap: distance(a, b) })));
      expect(gaps.filter(({ gap }) => !(gap >= 12))).toEqual([]);
    });
  }
});

type Triple = [number, number, number];

function lab(matrix: number[][], hex: string): Triple {
  const linear = [0, 2, 4].map((at) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const [r, g, b] = matrix.map((row) => Math.min(1, Math.max(0, dot(row, linear)))) as Triple;
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
  ].map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116)) as Triple;
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const dot = (row: number[], column: number[]) => row.reduce((sum, value, at) => sum + value * (column[at] ?? 0), 0);
const distance = (a: Triple, b: Triple) => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
