//! The options that decide the look and the formats of figures.

use clap::Args;
use reports::figure::Look;
use reports::picture::{Format, Width};

/// Look and formats of figures. Each is written as SVG.
#[derive(Args)]
pub struct Form {
    /// Width of the figures in a paper: a column (3.3 inches) or a page (6.9 inches). Texts keep their size.
    #[arg(long, value_enum, default_value = "page")]
    width: Width,
    /// Leave out the title of the figures.
    #[arg(long)]
    no_title: bool,
    /// Leave out the caption of the figures.
    #[arg(long)]
    no_caption: bool,
    /// Draw the figures as PDF too.
    #[arg(long)]
    pdf: bool,
    /// Draw the figures as PNG too, with 300 pixels to an inch.
    #[arg(long)]
    png: bool,
}

impl Form {
    /// The look of the figures.
    pub fn look(&self) -> Look {
        Look { width: self.width, with_title: !self.no_title, with_caption: !self.no_caption }
    }

    /// The formats of the figures, SVG first.
    pub fn formats(&self) -> Vec<Format> {
        let pdf = self.pdf.then_some(Format::Pdf);
        let png = self.png.then_some(Format::Png);
        [Some(Format::Svg), pdf, png].into_iter().flatten().collect()
    }
}
