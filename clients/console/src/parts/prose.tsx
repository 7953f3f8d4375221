/** A text of a publisher's, in which links are written as in reStructuredText. */

const LINK = /`([^`<]+?)\s*<(https?:\/\/[^>\s]+)>`__?/;

export function Prose({ of }: { of: string }) {
  // Every third piece is a text between links, the two behind it are a link's text and its page.
  const pieces = of.split(LINK);
  return (
    <p class="quiet lines">
      {pieces.map((piece, at) => {
        if (at % 3 === 2) return null;
        if (at % 3 === 0) return piece.replaceAll("``", "");
        return (
          <a key={at} href={String(pieces[at + 1])} target="_blank" rel="noopener noreferrer">
            {piece}
          </a>
        );
      })}
    </p>
  );
}
