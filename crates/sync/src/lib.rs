//! Freewheel's sync core: store, vault, remote, engine.
