/**
 * Puts a text where the next paste takes it from. Browsers have the clipboard only for pages that
 * came encrypted or from this machine; on others the text is selected and copied as by hand.
 */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (!isCopied) throw new Error("This browser copies nothing from a page that is not encrypted.");
}
