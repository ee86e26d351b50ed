//! Reports and names in Markdown.
