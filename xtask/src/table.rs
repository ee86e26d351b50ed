//! Tables for the terminal and for pages: Markdown whose columns line up.

/// A column's title and which side its cells keep to.
#[derive(Clone)]
pub(crate) enum Column {
    Left(String),
    Right(String),
}

impl Column {
    pub(crate) fn left(title: impl Into<String>) -> Self {
        Self::Left(title.into())
    }

    pub(crate) fn right(title: impl Into<String>) -> Self {
        Self::Right(title.into())
    }

    fn title(&self) -> &str {
        match self {
            Self::Left(title) | Self::Right(title) => title,
        }
    }

    fn rule(&self, width: usize) -> String {
        match self {
            Self::Left(_) => "-".repeat(width),
            Self::Right(_) => format!("{}:", "-".repeat(width - 1)),
        }
    }

    fn pad(&self, cell: &str, width: usize) -> String {
        match self {
            Self::Left(_) => format!("{cell:<width$}"),
            Self::Right(_) => format!("{cell:>width$}"),
        }
    }
}

/// A head, a rule and a line per row; every row has a cell per column.
pub(crate) fn markdown(columns: &[Column], rows: &[Vec<String>]) -> String {
    let escaped: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| cell.replace('|', "\\|")).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = escaped.iter().filter_map(|row| row.get(index));
            let texts = cells.map(String::as_str).chain([column.title()]);
            texts.map(|text| text.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let sized = || columns.iter().zip(widths.iter().copied());
    let head = sized().map(|(column, width)| column.pad(column.title(), width));
    let rule = sized().map(|(column, width)| column.rule(width));
    let mut text = line(head.collect()) + &line(rule.collect());
    for row in &escaped {
        let cells = sized().zip(row);
        text += &line(
            cells
                .map(|((column, width), cell)| column.pad(cell, width))
                .collect(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let columns = [Column::left("kernel"), Column::right("boot s")];
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let rows = [row(["5.10", "2.3"]), row(["a|b ≥ integrity", "-"])];
        let expect = "\
            | kernel           | boot s |\n\
            | ---------------- | -----: |\n\
            | 5.10             |    2.3 |\n\
            | a\\|b ≥ integrity |      - |\n";
        assert_eq!(markdown(&columns, &rows), expect);
    }
}
