//! What is shown of a comparison: a table for a terminal, a page, a plot.

mod page;
mod plot;
mod table;
mod words;

pub use page::page;
pub use plot::plot;
pub use table::{Table, answer, chapter};
