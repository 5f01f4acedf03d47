//! The failure lab: servers, links and desktop sessions in the condition that a test asks for.
