//! A picture: a list of shapes, written as SVG, PDF or PNG.
//!
//! All figures and drawings end here, so the three formats show the same.

pub(crate) mod font;
mod path;
mod pdf;
mod png;
pub(crate) mod recorder;
pub(crate) mod shapes;
pub(crate) mod sheet;
mod svg;

use std::path::Path;

use anyhow::{Context, Result};
use results::store::files::write_atomically;

pub use shapes::{Picture, Width};

/// The formats of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A vector image for browsers.
    Svg,
    /// A vector image for documents.
    Pdf,
    /// An image of pixels, 300 to an inch.
    Png,
}

impl Format {
    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }
}

impl Picture {
    /// The picture in a format.
    ///
    /// # Errors
    /// If a PNG image would have too many pixels.
    pub fn bytes(&self, format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Svg => Ok(svg::bytes(self)),
            Format::Pdf => Ok(pdf::bytes(self)),
            Format::Png => png::bytes(self),
        }
    }

    /// Writes the picture in a format.
    ///
    /// # Errors
    /// As for [`Picture::bytes`], or if the file system refuses. The error names the file.
    pub fn write(&self, path: &Path, format: Format) -> Result<()> {
        let bytes = self.bytes(format).with_context(|| path.display().to_string())?;
        Ok(write_atomically(path, &bytes)?)
    }
}

#[cfg(test)]
mod tests {
    use plotters::style::text_anchor::{HPos, VPos};
    use plotters::style::{Color, RGBColor};

    use super::shapes::{DASHES, INK, SOLID};
    use super::sheet::Sheet;
    use super::*;

    fn picture() -> Picture {
        let sheet = Sheet::new(100.0);
        sheet.fill(&[(0.0, 0.0), (50.0, 0.0), (50.0, 50.0)], INK.mix(0.15));
        for dash in [SOLID, DASHES[1]] {
            sheet.line(&[(1.25, 2.0), (90.5, 80.126)], INK, 1.5, dash);
        }
        sheet.circle((75.0, 75.0), 10.0, RGBColor(0xD5, 0x5E, 0x00));
        sheet.text("3x3 & <τ>", (20.0, 50.0), HPos::Left, VPos::Top, 16.0);
        sheet.turned("up", (2.0, 50.0), 16.0);
        Picture::new((100.0, 100.0), sheet.shapes())
    }

    #[test]
    fn equal_pictures_are_equal_bytes_in_every_format() {
        for (format, start) in [(Format::Svg, "<svg "), (Format::Pdf, "%PDF-1.7"), (Format::Png, "\u{89}PNG")] {
            let bytes = picture().bytes(format).unwrap();
            let head: String = bytes.iter().map(|&byte| char::from(byte)).take(start.chars().count()).collect();
            assert_eq!(head, start);
            assert!(bytes == picture().bytes(format).unwrap(), "{format:?}");
        }
        let pdf = picture().bytes(Format::Pdf).unwrap();
        let has = |words: &str| pdf.windows(words.len()).any(|window| window == words.as_bytes());
        assert!(has("/MediaBox [0 0 47.5 47.5]") && !has("CreationDate"));
    }

    #[test]
    fn a_vector_image_keeps_fractions_dashes_and_escaped_texts() {
        let svg = String::from_utf8(picture().bytes(Format::Svg).unwrap()).unwrap();
        for part in [
            "width=\"47.5pt\" height=\"47.5pt\" viewBox=\"0 0 100 100\"",
            "points=\"1.25,2 90.5,80.13\"",
            "stroke-dasharray=\"14 8\"",
            "<circle cx=\"75\" cy=\"75\" r=\"10\" fill=\"#D55E00\"/>",
            "fill=\"#222222\" fill-opacity=\"0.15\"",
            ">3x3 &amp; &lt;τ&gt;</text>",
        ] {
            assert!(svg.contains(part), "no `{part}` in {svg}");
        }
    }
}
