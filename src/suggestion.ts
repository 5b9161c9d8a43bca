/**
 * What somebody may have meant by a word that is not known.
 *
 * @module
 */

/**
 * The known word that is nearest to an unknown one, as a question to follow a message, or nothing.
 *
 * @param word the unknown word
 * @param known the words that would have been right
 */
export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = suggestion(word, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/**
 * The known word that is nearest to an unknown one, if one is near: one in three letters may be wrong, or the end
 * missing.
 */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const farthest = Math.max(1, Math.floor(word.length / 3));
  const rated = known.map((candidate) => ({ candidate, distance: distance(word, candidate) }))
    .filter(({ distance }) => distance <= farthest).sort((one, other) => one.distance - other.distance);
  const longer = word.replace(/^-+/, "").length >= 2
    ? known.find((candidate) => candidate.startsWith(word))
    : undefined;
  return rated[0]?.candidate ?? longer;
}

/** How many letters have to be changed, added, left out or exchanged with their neighbour. */
function distance(one: string, other: string): number {
  const rows: number[][] = [Array.from({ length: other.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= one.length; row++) {
    rows[row] = [row];
    for (let column = 1; column <= other.length; column++) {
      const same = one[row - 1] === other[column - 1];
      let least = Math.min(
        rows[row - 1][column] + 1,
        rows[row][column - 1] + 1,
        rows[row - 1][column - 1] + (same ? 0 : 1),
      );
      if (one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1]) {
        least = Math.min(least, rows[row - 2][column - 2] + 1);
      }
      rows[row][column] = least;
    }
  }
  return rows[one.length][other.length];
}
