//! Freewheel's reference server: OAuth issuer, library feed, rides, status.
