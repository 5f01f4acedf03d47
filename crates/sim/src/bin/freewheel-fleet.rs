//! `freewheel-fleet`: simulates the herd, prints the table, writes the plot.

fn main() {}
