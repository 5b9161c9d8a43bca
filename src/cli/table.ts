/**
 * Tables that fit the terminal.
 *
 * @module
 */

/** A column of a table. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Whether its cells stand at the right, as numbers do. */
  readonly right?: boolean;
  /** The least width that it may be cut to when the table is too wide; a column without it is never cut. */
  readonly least?: number;
  /** Paints a cell that has its width already. */
  readonly paint?: (cell: string, text: string) => string;
}

const GAP = 2;

/**
 * Lays out a table: the columns as wide as they need, the ones that may be cut as narrow as they must be.
 *
 * @param columns what the columns are
 * @param rows the cells, as plain text
 * @param width how wide the table may be; unlimited unless given
 * @returns lines, each with its end
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number = Infinity,
): string {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, at) => Math.max(...[titles, ...rows].map((row) => displayWidth(row[at]))));
  shrink(columns, widths, width - GAP * (columns.length - 1));
  const line = (cells: readonly string[], painted: boolean): string =>
    cells.map((text, at) => {
      const { right, paint } = columns[at];
      const cut = cutTo(text, widths[at]);
      const blanks = " ".repeat(Math.max(0, widths[at] - displayWidth(cut)));
      const shown = painted && paint !== undefined ? paint(cut, text) : cut;
      return right ? blanks + shown : shown + blanks;
    }).join(" ".repeat(GAP)).trimEnd() + "\n";
  return line(titles, false) + rows.map((row) => line(row, true)).join("");
}

/** Takes width from the widest column that may give some, until the rest fits. */
function shrink(columns: readonly Column[], widths: number[], available: number): void {
  const total = (): number => widths.reduce((sum, each) => sum + each, 0);
  while (total() > available) {
    const giving = widths.map((_, at) => at).filter((at) => widths[at] > (columns[at].least ?? Infinity));
    if (giving.length === 0) return;
    const [widest] = giving.sort((one, other) => widths[other] - widths[one]);
    widths[widest]--;
  }
}

/** Cuts a text to a width and says so by an ellipsis. */
function cutTo(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let cut = "";
  for (const letter of letters(text)) {
    if (displayWidth(cut + letter) > width - 1) break;
    cut += letter;
  }
  return `${cut}…`;
}

// East Asian wide and full-width letters, and emoji.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** How many columns a text takes. */
export function displayWidth(text: string): number {
  return letters(text).reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);
}

/** A text by what a reader takes for one letter. */
function letters(text: string): string[] {
  return [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment);
}
