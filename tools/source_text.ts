/** Telling code from comments and strings in TypeScript, well enough to look for words in it. */

/** A source in which everything else is blank, so that positions and lines stay the same. */
export interface SourceText {
  /** Without comments. */
  readonly withStrings: string;
  /** Without comments, and without what stands between quotation marks or in regular expressions. */
  readonly codeOnly: string;
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const QUOTED = /"(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'/y;
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y;
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
/** A slash after this is a division: the end of an expression, unless it is a word like `return`. */
const EXPRESSION_END = /[\w$)\]}]\s*$/;
const KEYWORD_END = /\b(?:return|typeof|case|in|of|do|else|void|delete|throw|new|await|yield)\s*$/;

/** Takes a source apart. */
export function sourceText(source: string): SourceText {
  let withStrings = "";
  let codeOnly = "";
  /** For each template literal that we are inside of, how many braces are open in its current `${}`. */
  const templates: number[] = [];
  let at = 0;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(source)?.[0];
  };
  const take = (text: string, kind: "code" | "string" | "comment"): void => {
    at += text.length;
    const blank = text.replace(/[^\n]/g, " ");
    withStrings += kind === "comment" ? blank : text;
    codeOnly += kind === "code" ? text : blank;
  };
  const takeTemplate = (): void => {
    take(match(TEMPLATE_PART)!, "string");
    if (source.startsWith("${", at)) {
      templates.push(0);
      take("${", "code");
    } else if (at < source.length) {
      take("`", "code");
    }
  };

  while (at < source.length) {
    const comment = match(COMMENT);
    const quoted = comment === undefined ? match(QUOTED) : undefined;
    const character = source[at];
    if (comment !== undefined) take(comment, "comment");
    else if (quoted !== undefined) take(quoted, "string");
    else if (character === "`") {
      take("`", "code");
      takeTemplate();
    } else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      take("}", "code");
      takeTemplate();
    } else if (character === "/" && (!EXPRESSION_END.test(codeOnly) || KEYWORD_END.test(codeOnly))) {
      take(match(REGULAR_EXPRESSION) ?? "/", "string");
    } else {
      if (templates.length > 0 && character === "{") templates[templates.length - 1]++;
      if (templates.length > 0 && character === "}") templates[templates.length - 1]--;
      take(character, "code");
    }
  }
  return { withStrings, codeOnly };
}

/** The line of a position, from 1. */
export function lineAt(source: string, position: number): number {
  return source.slice(0, position).split("\n").length;
}
