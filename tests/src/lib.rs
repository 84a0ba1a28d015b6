//! Whole-suite tests over real sockets.
