/** The labels of an axis of time. */

/** In one unit, with the decimals that tell them apart. */
export function times(splits: readonly number[]): string[] {
  const most = Math.max(...splits.map(Math.abs), 1);
  const step = splits.length > 1 ? splits[1] - splits[0] : most;
  const [unit, ns] = most >= 1e9 ? ["s", 1e9] : most >= 1e6 ? ["ms", 1e6] : most >= 1e3 ? ["µs", 1e3] : ["ns", 1];
  const isWhole = (n: number): boolean => Math.abs(n - Math.round(n)) < 1e-6;
  let decimals = 0;
  while (decimals < 9 && !isWhole((step / ns) * 10 ** decimals)) decimals++;
  const shown = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return splits.map((at) => `${(at / ns).toLocaleString("en", shown)} ${unit}`);
}
