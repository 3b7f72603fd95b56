//! Architectures to draw, without statistics.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use results::store::Group;
use results::{DrawingRow, EncodingCellRow};

use super::{Findings, KindOfStudy, does_not_fit};
use crate::figure::definition::{FigureData, FigureKind};

/// The architectures of a drawing study.
#[derive(Debug)]
struct DrawingFindings {
    drawings: Vec<DrawingRow>,
    /// The cells of their encodings that hold +1.
    cells: Vec<EncodingCellRow>,
}

/// Reads the tables of a drawing study.
pub(super) fn load(group: &Group, _: &Path) -> Result<Findings> {
    Ok(Box::new(DrawingFindings { drawings: group.read()?, cells: group.read_if_there()?.unwrap_or_default() }))
}

impl KindOfStudy for DrawingFindings {
    fn figure(&self, kind: FigureKind) -> Result<FigureData<'_>> {
        match kind {
            FigureKind::MemoryBanks => Ok(FigureData::MemoryBanks(&self.drawings)),
            FigureKind::Encoding => Ok(FigureData::Encoding(&self.drawings, &self.cells)),
            _ => Err(does_not_fit(kind)),
        }
    }

    fn needs_training(&self) -> bool {
        false
    }
}

impl fmt::Display for DrawingFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "architectures drawn: {}", self.drawings.len())
    }
}
