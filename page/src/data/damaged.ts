/** What a page says that cannot be read. */

/** With one sentence for whoever looks at the page. */
export class Damaged extends Error {}
