//! The herd: many clients, one server that is away for two hours, and what comes back at it afterwards.
