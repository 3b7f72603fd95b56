//! The settings of artefacts: definitions in TOML, their study kinds, and the rules that they keep.

pub mod bounds;
pub mod checks;
pub mod comparison;
pub mod correlation;
pub mod definition;
pub mod initialisation;
pub mod library;
pub mod networks;
pub mod normalisation;
pub mod overlay;
pub mod parts;
pub mod predictors;
pub mod search_cost;
pub mod size;
pub mod studies;
pub mod takes;
pub mod untrained;
