//! The app dies at every point of a renewal.
