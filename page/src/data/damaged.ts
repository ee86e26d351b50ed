/** What a page says that cannot be read. */

/** With one sentence for the reader of the page. */
export class Damaged extends Error {}
