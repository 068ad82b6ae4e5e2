//! Tests of what is understood.
