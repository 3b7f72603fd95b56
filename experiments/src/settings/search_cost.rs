//! Settings of the simulated searches on the architectures that a correlation study trains.

use serde::{Deserialize, Serialize};

/// Asks for tables from which searches can be simulated.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SearchCost {
    /// Number of simulated searches by each method, which the report uses. The tables do not depend on it.
    pub draws: usize,
}
