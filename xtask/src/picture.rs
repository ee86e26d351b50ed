//! The pictures of the README: a stored report in colours, as SVG, light and dark.
//!
//! The report is the golden text that `waitscope report` gives for a recording
//! (`tests/tests/golden.rs` compares the two), so nothing has to be built here.

use anstyle::{Color, RgbColor};
use anstyle_svg::{Palette, Term};
use anyhow::Result;

use crate::run::say;
use crate::vm::files;
use crate::workspace::Workspace;

const REPORT: &str = "tests/golden/recordings/gitsync-threads-color.txt";
const COMMAND: &str = "$ waitscope report gitsync-threads.wsc";
/// The colours of a terminal, as GitHub has them on its pages.
struct Theme {
    file: &'static str,
    text: RgbColor,
    background: RgbColor,
    /// Black, red, green, yellow, blue, magenta, cyan, white; twice.
    palette: [RgbColor; 8],
}

const THEMES: [Theme; 2] = [
    Theme {
        file: "docs/report-light.svg",
        text: rgb(0x1f_23_28),
        background: rgb(0xf6_f8_fa),
        palette: [
            rgb(0x24_29_2f),
            rgb(0xcf_22_2e),
            rgb(0x11_63_29),
            rgb(0x9a_67_00),
            rgb(0x09_69_da),
            rgb(0x82_50_df),
            rgb(0x1b_7c_83),
            rgb(0x6e_77_81),
        ],
    },
    Theme {
        file: "docs/report-dark.svg",
        text: rgb(0xe6_ed_f3),
        background: rgb(0x16_1b_22),
        palette: [
            rgb(0x48_4f_58),
            rgb(0xff_7b_72),
            rgb(0x3f_b9_50),
            rgb(0xd2_99_22),
            rgb(0x58_a6_ff),
            rgb(0xbc_8c_ff),
            rgb(0x39_c5_cf),
            rgb(0xb1_ba_c4),
        ],
    },
];

const fn rgb(value: u32) -> RgbColor {
    let [_, red, green, blue] = value.to_be_bytes();
    RgbColor(red, green, blue)
}

/// Draws those that are not as they should be.
pub(crate) fn draw(workspace: &Workspace) -> Result<()> {
    let report = report(workspace)?;
    for theme in &THEMES {
        if files::renew(&workspace.path(theme.file), &svg(theme, &report))? {
            say(format_args!("{} is new", theme.file));
        }
    }
    Ok(())
}

fn report(workspace: &Workspace) -> Result<String> {
    let text = String::from_utf8(files::read(&workspace.path(REPORT))?)?;
    Ok(format!("{COMMAND}\n{}", text.trim_end()))
}

fn svg(theme: &Theme, text: &str) -> String {
    let picture = Term::new()
        .palette(Palette(std::array::from_fn(|color| {
            theme.palette[color % theme.palette.len()]
        })))
        .fg_color(Color::Rgb(theme.text))
        .bg_color(Color::Rgb(theme.background))
        .render_svg(text);
    // Faint text has to be readable too, and `opacity` is not for parts of a text.
    scalable(&picture.replace("opacity: 0.4;", "fill-opacity: 0.7;"))
}

/// With a `viewBox` a narrow page shrinks the picture instead of cutting it off.
fn scalable(svg: &str) -> String {
    let size = |name: &str| {
        let (_, after) = svg.split_once(&format!("{name}=\""))?;
        after.split_once("px\"").map(|(number, _)| number)
    };
    let (width, height) = size("width").zip(size("height")).unwrap_or(("0", "0"));
    let with_box = format!("<svg viewBox=\"0 0 {width} {height}\" ");
    svg.replacen("<svg ", &with_box, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_are_those_of_the_stored_report() {
        let workspace = Workspace::find().unwrap();
        let report = report(&workspace).unwrap();
        for theme in &THEMES {
            let stored = files::read(&workspace.path(theme.file)).unwrap();
            assert!(
                stored == svg(theme, &report).as_bytes(),
                "{} is not the picture of {REPORT}: `cargo xtask picture` draws it",
                theme.file
            );
        }
    }

    #[test]
    fn a_picture_scales() {
        let svg = scalable("<svg width=\"860px\" height=\"9px\" xmlns=\"x\">");
        assert_eq!(
            svg,
            "<svg viewBox=\"0 0 860 9\" width=\"860px\" height=\"9px\" xmlns=\"x\">"
        );
    }
}
