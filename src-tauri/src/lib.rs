//! Freewheel desktop.
