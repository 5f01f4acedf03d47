//! Every decision of the sync core, as pure functions.
