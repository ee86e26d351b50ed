/** Base64 → bytes, as fast as the browser can. */

interface NativeDecoder {
  fromBase64?: (text: string) => Uint8Array<ArrayBuffer>;
}

/** Characters decoded at once by `atob`: a multiple of four, and short enough for a string that is soon garbage. */
const SLICE = 1 << 18;

/** The bytes; throws where the text is no base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const native = (Uint8Array as NativeDecoder).fromBase64;
  return native ? native.call(Uint8Array, text) : decodeInSlices(text.replace(/\s+/g, ""));
}

function decodeInSlices(text: string): Uint8Array<ArrayBuffer> {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let at = 0;
  for (let from = 0; from < text.length; from += SLICE) {
    const part = atob(text.slice(from, from + SLICE));
    for (let i = 0; i < part.length; i++) bytes[at++] = part.charCodeAt(i);
  }
  return bytes;
}
