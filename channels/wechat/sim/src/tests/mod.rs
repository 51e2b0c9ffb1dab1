//! Each row of the pack's §13 by a client of its own.
